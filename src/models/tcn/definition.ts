import type { EngineModelDefinition } from "../definition.js";
import { neuralCapabilities, neuralEngine } from "../neural.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

/** Bai, Kolter and Koltun 2018. */
export const tcn: EngineModelDefinition = {
  kind: "engine",
  id: "tcn",
  family: "neural",
  title: "Temporal convolutional network",
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
