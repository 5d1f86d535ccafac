import type { SearchDimension } from "../definition.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.learning_rate": { type: "float", low: 0.005, high: 0.2, log: true },
  "model_params.depth": { type: "int", low: 2, high: 8 },
  "model_params.l2_leaf_reg": { type: "float", low: 0.5, high: 100, log: true },
  "model_params.rsm": { type: "float", low: 0.2, high: 1 },
  "model_params.random_strength": { type: "float", low: 0, high: 10 },
};
