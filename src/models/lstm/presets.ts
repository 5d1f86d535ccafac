import type { PresetValues } from "../definition.js";

/** For noisy labels: half the width, more dropout. */
const market: PresetValues = { model_params: { hidden_size: 64, dropout: 0.3 }, training: {} };

/** The requirements' numbers. */
const reference: PresetValues = { model_params: { hidden_size: 128, dropout: 0.2 }, training: {} };

export const presets = { market, reference };
