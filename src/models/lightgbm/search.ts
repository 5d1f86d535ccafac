import type { SearchDimension } from "../definition.js";

/** Bins and rounds are left out: all trials share the quantised data, and early stopping finds the rounds. */
export const searchSpace: Record<string, SearchDimension> = {
  "model_params.learning_rate": { type: "float", low: 0.005, high: 0.2, log: true },
  "model_params.num_leaves": { type: "int", low: 4, high: 128, log: true },
  "model_params.max_depth": { type: "int", low: 2, high: 8 },
  "model_params.min_data_in_leaf": { type: "int", low: 10, high: 1000, log: true },
  "model_params.bagging_fraction": { type: "float", low: 0.4, high: 1 },
  "model_params.feature_fraction": { type: "float", low: 0.2, high: 1 },
  "model_params.lambda_l2": { type: "float", low: 0.1, high: 100, log: true },
  // The default, 0, is on no logarithm: the least drawn penalty is as good as none.
  "model_params.lambda_l1": { type: "float", low: 1e-3, high: 10, log: true },
  "model_params.min_gain_to_split": { type: "float", low: 0, high: 1 },
  "model_params.path_smooth": { type: "float", low: 0, high: 10 },
  "model_params.extra_trees": { type: "categorical", choices: [false, true] },
};
