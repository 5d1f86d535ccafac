import type { OldSpelling } from "../definition.js";

export const ignoredKeys: Record<string, string> = {
  "model_params.probability": "probabilities are always made, on the latest training rows",
  "model_params.n_jobs": "the engine pool gives each worker its threads (--workers)",
  "model_params.random_state": "the run's seed is used (--seed)",
  "model_params.verbose": "what the engine logs is kept with the run",
  "model_params.decision_function_shape": "the probabilities are made from the one-against-one values",
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.kernel", value: "rbf", to: null },
  { key: "model_params.class_weight", to: { key: "training.class_weight" } },
];
