import type { PresetValues } from "../definition.js";

/** For noisy labels: half the width, more dropout. */
const market: PresetValues = { model_params: { channels: 32, dropout: 0.2 }, training: {} };

/** The requirements give no numbers for tcn; these are those of its source, Bai et al. 2018, for windows of this length. */
const reference: PresetValues = { model_params: { channels: 64, dropout: 0.1 }, training: {} };

export const presets = { market, reference };
