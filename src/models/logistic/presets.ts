import type { PresetValues } from "../definition.js";

/** For noisy labels: many weak, correlated features, so a strong penalty. */
const market: PresetValues = { model_params: { C: 0.001 }, training: {} };

/** The requirements give no numbers: scikit-learn's default strength. */
const reference: PresetValues = { model_params: { C: 1 }, training: {} };

export const presets = { market, reference };
