import type { SearchDimension } from "../definition.js";
import { neuralSearch } from "../neural.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.hidden_size": { type: "int", low: 16, high: 256, log: true },
  "model_params.num_layers": { type: "int", low: 1, high: 3 },
  // Values are dropped between layers only.
  "model_params.dropout": {
    type: "float",
    low: 0,
    high: 0.6,
    when: { key: "model_params.num_layers", in: Array.from({ length: 15 }, (_, i) => i + 2) },
  },
  ...neuralSearch,
};
