import type { OldSpelling } from "../definition.js";

const threads = "the engine pool gives each worker its threads (--workers)";
const seed = "the run's seed is used (--seed)";

export const ignoredKeys: Record<string, string> = {
  "training.verbose_eval": "progress is shown by Foldwise (--quiet turns it off)",
  "model_params.verbosity": "what the engine logs is kept with the run",
  "model_params.nthread": threads,
  "model_params.n_jobs": threads,
  "model_params.seed": seed,
  "model_params.random_state": seed,
};

export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.tree_method", value: "gpu_hist", to: { value: "hist" }, device: "cuda" },
  { key: "model_params.device", value: "cuda", to: null, device: "cuda" },
  { key: "model_params.device", value: "gpu", to: null, device: "cuda" },
  { key: "model_params.device", value: "cpu", to: null, device: "cpu" },
  { key: "model_params.eta", to: { key: "model_params.learning_rate" } },
  { key: "model_params.lambda", to: { key: "model_params.reg_lambda" } },
  { key: "model_params.alpha", to: { key: "model_params.reg_alpha" } },
  { key: "model_params.min_split_loss", to: { key: "model_params.gamma" } },
  { key: "model_params.n_estimators", to: { key: "training.num_boost_round" } },
];
