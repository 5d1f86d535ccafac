import type { OldSpelling } from "../definition.js";

const seed = "the run's seed is used (--seed)";
const older = "it has no effect in the scikit-learn version used";

export const ignoredKeys: Record<string, string> = {
  "model_params.n_jobs": "the engine pool gives each worker its threads (--workers)",
  "model_params.random_state": seed,
  "model_params.verbose": "what the engine logs is kept with the run",
  "model_params.warm_start": "every fit begins afresh",
  "model_params.multi_class": older,
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.penalty", value: "l2", to: null },
  { key: "model_params.penalty", value: "elasticnet", to: null },
  { key: "model_params.class_weight", to: { key: "training.class_weight" } },
];
