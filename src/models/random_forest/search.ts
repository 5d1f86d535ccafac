import type { SearchDimension } from "../definition.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.max_depth": { type: "int", low: 3, high: 12 },
  "model_params.min_samples_leaf": { type: "int", low: 10, high: 1000, log: true },
  "model_params.max_features": { type: "float", low: 0.02, high: 0.5, log: true },
  "model_params.max_samples": { type: "float", low: 0.1, high: 1 },
};
