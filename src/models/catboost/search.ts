import type { SearchDimension } from "../definition.js";

/**
 * Bins and rounds are left out: all trials share the quantised data, and early stopping finds the rounds. So is bootstrap_type: with
 * another one than the configured, subsample would have to be null.
 */
export const searchSpace: Record<string, SearchDimension> = {
  "model_params.learning_rate": { type: "float", low: 0.005, high: 0.2, log: true },
  "model_params.depth": { type: "int", low: 2, high: 8 },
  "model_params.l2_leaf_reg": { type: "float", low: 0.5, high: 100, log: true },
  "model_params.rsm": { type: "float", low: 0.2, high: 1 },
  "model_params.random_strength": { type: "float", low: 0, high: 10 },
  "model_params.leaf_estimation_iterations": { type: "int", low: 1, high: 10, log: true },
  "model_params.subsample": {
    type: "float",
    low: 0.4,
    high: 1,
    when: { key: "model_params.bootstrap_type", in: ["Bernoulli", "MVS"] },
  },
  // The default, null (CatBoost's own, which is 1), is no number.
  "model_params.bagging_temperature": {
    type: "float",
    low: 0,
    high: 10,
    when: { key: "model_params.bootstrap_type", in: ["Bayesian"] },
  },
};
