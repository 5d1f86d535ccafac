import type { SearchDimension } from "../definition.js";

/** Trees are left out: more are never worse, and cost time. */
export const searchSpace: Record<string, SearchDimension> = {
  "model_params.max_depth": { type: "int", low: 3, high: 12 },
  "model_params.min_samples_leaf": { type: "int", low: 10, high: 1000, log: true },
  // Of 180 features, log2 is 0.04 and sqrt 0.07 of them.
  "model_params.max_features": { type: "categorical", choices: ["sqrt", "log2", 0.15, 0.3, 0.5] },
  "model_params.criterion": { type: "categorical", choices: ["gini", "entropy"] },
  // The default, null, is no number; it draws as many rows as 1 does.
  "model_params.max_samples": {
    type: "float",
    low: 0.1,
    high: 1,
    when: { key: "model_params.bootstrap", in: [true] },
  },
};
