import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const logistic: EngineModelDefinition = {
  kind: "engine",
  id: "logistic",
  family: "classical",
  title: "Multinomial logistic regression on standardised features",
  engine: { packages: ["scikit-learn"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "impute",
    importance: "permutation",
    devices: ["cpu"],
    scaler: true,
  },
  params,
  training,
  presets,
  ignoredKeys,
  oldSpellings,
  searchSpace,
};
