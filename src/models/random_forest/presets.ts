import type { PresetValues } from "../definition.js";

/** For noisy labels: large leaves, bounded depth, and so a forest that answers in microseconds. */
const market: PresetValues = {
  model_params: { n_estimators: 300, max_depth: 8, min_samples_leaf: 100, max_features: "sqrt", max_bin: 255 },
  training: {},
};

/** The requirements give no numbers: scikit-learn's defaults, trees grown until their leaves are pure. */
const reference: PresetValues = {
  model_params: { n_estimators: 100, max_depth: null, min_samples_leaf: 1, max_features: "sqrt", max_bin: null },
  training: {},
};

export const presets = { market, reference };
