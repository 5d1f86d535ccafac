import type { SearchDimension } from "../definition.js";

export const searchSpace: Record<string, SearchDimension> = {
  "model_params.C": { type: "float", low: 1e-6, high: 10, log: true },
  // saga alone knows other penalties than L2, and is too slow to be everybody's.
  "model_params.l1_ratio": { type: "float", low: 0, high: 1, when: { key: "model_params.solver", in: ["saga"] } },
  "training.class_weight": { type: "categorical", choices: ["none", "balanced"] },
};
