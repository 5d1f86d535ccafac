import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const lightgbm: EngineModelDefinition = {
  kind: "engine",
  id: "lightgbm",
  family: "boosting",
  title: "LightGBM: gradient-boosted trees, grown leaf by leaf",
  engine: { packages: ["lightgbm"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: true,
    missingValues: "native",
    importance: "gain",
    // Its wheel has no CUDA.
    devices: ["cpu"],
    scaler: false,
  },
  params,
  training,
  presets,
  ignoredKeys,
  oldSpellings,
  searchSpace,
};
