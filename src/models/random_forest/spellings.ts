import type { OldSpelling } from "../definition.js";

export const ignoredKeys: Record<string, string> = {
  "model_params.n_jobs": "the engine pool gives each worker its threads (--workers)",
  "model_params.random_state": "the run's seed is used (--seed)",
  "model_params.verbose": "what the engine logs is kept with the run",
  "model_params.warm_start": "every fit begins afresh",
  "model_params.oob_score":
    "the stop and calibrate rows judge the forest; rows out of a tree's draw overlap those in it",
};

export const oldSpellings: readonly OldSpelling[] = [
  // scikit-learn's spelling of "sqrt" for classifiers, until 1.3.
  { key: "model_params.max_features", value: "auto", to: { value: "sqrt" } },
  { key: "model_params.class_weight", to: { key: "training.class_weight" } },
];
