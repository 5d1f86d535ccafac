import type { EngineModelDefinition } from "../definition.js";
import { neuralCapabilities, neuralEngine } from "../neural.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

/** Cho et al. 2014. */
export const gru: EngineModelDefinition = {
  kind: "engine",
  id: "gru",
  family: "neural",
  title: "Gated recurrent units (GRU)",
  engine: neuralEngine,
  adapter: null,
  capabilities: neuralCapabilities,
  params,
  training,
  presets,
  ignoredKeys,
  oldSpellings,
  searchSpace,
};
