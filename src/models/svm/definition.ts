import type { EngineModelDefinition } from "../definition.js";
import { params, training } from "./params.js";
import { presets } from "./presets.js";
import { searchSpace } from "./search.js";
import { ignoredKeys, oldSpellings } from "./spellings.js";

export const svm: EngineModelDefinition = {
  kind: "engine",
  id: "svm",
  family: "classical",
  title: "Support vector machine with an RBF kernel, exact or by Nyström",
  engine: { packages: ["scikit-learn"], group: "base" },
  adapter: null,
  capabilities: {
    input: "tabular",
    earlyStopping: false,
    missingValues: "impute",
    importance: "permutation",
    // Every answer of the exact machine meets every support vector: 2 000 rows × 180 features would take a minute.
    importanceRows: 500,
    devices: ["cpu"],
    scaler: true,
    probabilityRows: 0.15,
  },
  params,
  training,
  presets,
  ignoredKeys,
  oldSpellings,
  searchSpace,
};
