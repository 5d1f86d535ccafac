import type { SearchDimension } from "../definition.js";

/** Bins and rounds are left out: all trials share the quantised data, and early stopping finds the rounds. */
export const searchSpace: Record<string, SearchDimension> = {
  "model_params.learning_rate": { type: "float", low: 0.005, high: 0.2, log: true },
  "model_params.max_depth": { type: "int", low: 2, high: 8 },
  "model_params.min_child_weight": { type: "float", low: 1, high: 200, log: true },
  "model_params.subsample": { type: "float", low: 0.4, high: 1 },
  "model_params.colsample_bytree": { type: "float", low: 0.2, high: 1 },
  "model_params.reg_lambda": { type: "float", low: 0.1, high: 100, log: true },
  // The default, 0, is on no logarithm: the least drawn penalty is as good as none.
  "model_params.reg_alpha": { type: "float", low: 1e-3, high: 10, log: true },
  "model_params.gamma": { type: "float", low: 0, high: 5 },
  // The default, 0 (no limit), lies outside: leaves are counted for those who let trees grow by gain.
  "model_params.max_leaves": {
    type: "int",
    low: 4,
    high: 256,
    log: true,
    when: { key: "model_params.grow_policy", in: ["lossguide"] },
  },
};
