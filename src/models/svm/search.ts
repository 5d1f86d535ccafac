import type { SearchDimension } from "../definition.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.C": { type: "float", low: 1e-3, high: 10, log: true },
  // The default, scale, is no number; of 180 standardised features it is 0.0056.
  "model_params.gamma": { type: "float", low: 1e-5, high: 0.1, log: true },
};
