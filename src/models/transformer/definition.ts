import type { EngineModelDefinition } from "../definition.js";
import { neuralCapabilities, neuralEngine } from "../neural.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

/** Vaswani et al. 2017, pre-norm as in Xiong et al. 2020, relative positions as in Raffel et al. 2020. */
export const transformer: EngineModelDefinition = {
  kind: "engine",
  id: "transformer",
  family: "neural",
  title: "Transformer encoder with causal banded attention",
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
