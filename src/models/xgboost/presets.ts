import type { PresetValues } from "../definition.js";

/** For noisy labels: small steps, shallow trees, large leaves, half the features a tree. */
const market: PresetValues = {
  model_params: {
    learning_rate: 0.03,
    max_depth: 4,
    min_child_weight: 20,
    subsample: 0.7,
    colsample_bytree: 0.5,
    reg_lambda: 5,
  },
  training: {},
};

/** The requirements' numbers; what they do not name is XGBoost's own default. */
const reference: PresetValues = {
  model_params: {
    learning_rate: 0.1,
    max_depth: 6,
    min_child_weight: 1,
    subsample: 0.8,
    colsample_bytree: 0.8,
    reg_lambda: 1,
  },
  training: {},
};

export const presets = { market, reference };
