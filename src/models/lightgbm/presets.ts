import type { PresetValues } from "../definition.js";

/** For noisy labels: small steps, shallow trees, large leaves, half the features a tree. */
const market: PresetValues = {
  model_params: {
    learning_rate: 0.03,
    num_leaves: 15,
    max_depth: 4,
    min_data_in_leaf: 100,
    bagging_fraction: 0.7,
    feature_fraction: 0.5,
    lambda_l2: 5,
  },
  training: {},
};

/** The requirements give no numbers for lightgbm: xgboost's where they have a counterpart, else LightGBM's own defaults. */
const reference: PresetValues = {
  model_params: {
    learning_rate: 0.1,
    num_leaves: 31,
    max_depth: 6,
    min_data_in_leaf: 20,
    bagging_fraction: 0.8,
    feature_fraction: 0.8,
    lambda_l2: 0,
  },
  training: {},
};

export const presets = { market, reference };
