import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const randomForest: EngineModelDefinition = {
  kind: "engine",
  id: "random_forest",
  family: "classical",
  title: "Random forest: an average of randomised trees",
  engine: { packages: ["scikit-learn"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "impute",
    // The adapter returns it; the report names it by its own kind, impurity.
    importance: "gain",
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
