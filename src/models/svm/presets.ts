import type { PresetValues } from "../definition.js";

/** For noisy labels: a soft margin. */
const market: PresetValues = { model_params: { C: 0.1, gamma: "scale" }, training: {} };

/** The requirements give no numbers: scikit-learn's defaults. */
const reference: PresetValues = { model_params: { C: 1, gamma: "scale" }, training: {} };

export const presets = { market, reference };
