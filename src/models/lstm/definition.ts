import type { EngineModelDefinition } from "../definition.js";
import { neuralCapabilities, neuralEngine } from "../neural.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

/** Hochreiter and Schmidhuber 1997. */
export const lstm: EngineModelDefinition = {
  kind: "engine",
  id: "lstm",
  family: "neural",
  title: "Long short-term memory (LSTM)",
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
