import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const catboost: EngineModelDefinition = {
  kind: "engine",
  id: "catboost",
  family: "boosting",
  title: "CatBoost: gradient-boosted symmetric trees",
  engine: { packages: ["catboost"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: true,
    missingValues: "native",
    // The adapter returns it; the report names it by its own kind, prediction_values_change.
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
