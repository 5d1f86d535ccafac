import type { SearchDimension } from "../definition.js";
import { neuralSearch } from "../neural.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.channels": { type: "int", low: 8, high: 128, log: true },
  "model_params.kernel_size": { type: "int", low: 2, high: 5 },
  "model_params.dropout": { type: "float", low: 0, high: 0.6 },
  ...neuralSearch,
};
