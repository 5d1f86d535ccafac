import type { PresetValues } from "../definition.js";

/**
 * For noisy labels: small steps, half the features a split, and shallow trees: CatBoost's symmetric ones have no least
 * size of a leaf, so depth alone keeps leaves large.
 */
const market: PresetValues = {
  model_params: {
    learning_rate: 0.03,
    depth: 4,
    l2_leaf_reg: 5,
    rsm: 0.5,
    bootstrap_type: "Bernoulli",
    subsample: 0.7,
  },
  training: {},
};

/** The requirements give no numbers for catboost: xgboost's learning rate and depth, else CatBoost's own defaults. */
const reference: PresetValues = {
  model_params: {
    learning_rate: 0.1,
    depth: 6,
    l2_leaf_reg: 3,
    rsm: 1,
    bootstrap_type: "Bayesian",
    subsample: null,
  },
  training: {},
};

export const presets = { market, reference };
