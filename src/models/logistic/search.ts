import type { SearchDimension } from "../definition.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.C": { type: "float", low: 1e-6, high: 10, log: true },
};
