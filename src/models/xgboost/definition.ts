import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const xgboost: EngineModelDefinition = {
  kind: "engine",
  id: "xgboost",
  family: "boosting",
  title: "XGBoost: gradient-boosted trees",
  engine: { packages: ["xgboost"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: true,
    missingValues: "native",
    importance: "gain",
    devices: ["cpu", "cuda"],
    scaler: false,
  },
  params,
  training,
  presets,
  ignoredKeys,
  oldSpellings,
  searchSpace,
};
