import type { SearchDimension } from "../definition.js";
import { neuralSearch } from "../neural.js";

export const searchSpace: Record<string, SearchDimension> = {
  // Each a multiple of each nhead.
  "model_params.d_model": { type: "categorical", choices: [32, 64, 128] },
  "model_params.nhead": { type: "categorical", choices: [2, 4, 8] },
  "model_params.num_layers": { type: "int", low: 1, high: 4 },
  "model_params.dim_feedforward": { type: "int", low: 32, high: 512, log: true },
  "model_params.dropout": { type: "float", low: 0, high: 0.6 },
  ...neuralSearch,
};
