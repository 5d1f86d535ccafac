import type { OldSpelling } from "../definition.js";

const threads = "the engine pool gives each worker its threads (--workers)";
const seed = "the run's seed is used (--seed)";
const log = "what the engine logs is kept with the run";
const files = "the worker writes what the run needs, and nothing else";
const best = "the best round is always kept where early_stopping_rounds is set";

export const ignoredKeys: Record<string, string> = {
  "training.verbose_eval": "progress is shown by Foldwise (--quiet turns it off)",
  "model_params.verbose": log,
  "model_params.verbose_eval": log,
  "model_params.logging_level": log,
  "model_params.silent": log,
  "model_params.metric_period": "the stop rows are watched in every round",
  "model_params.thread_count": threads,
  "model_params.nthread": threads,
  "model_params.n_jobs": threads,
  "model_params.random_seed": seed,
  "model_params.random_state": seed,
  "model_params.seed": seed,
  "model_params.use_best_model": best,
  "model_params.allow_writing_files": files,
  "model_params.train_dir": files,
};

/** CatBoost's synonyms, and the names of xgboost and of scikit-learn's interfaces. */
export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.objective", to: { key: "model_params.loss_function" } },
  { key: "model_params.eta", to: { key: "model_params.learning_rate" } },
  { key: "model_params.max_depth", to: { key: "model_params.depth" } },
  { key: "model_params.reg_lambda", to: { key: "model_params.l2_leaf_reg" } },
  { key: "model_params.lambda", to: { key: "model_params.l2_leaf_reg" } },
  { key: "model_params.colsample_bylevel", to: { key: "model_params.rsm" } },
  { key: "model_params.max_bin", to: { key: "model_params.border_count" } },
  { key: "model_params.num_class", to: { key: "model_params.classes_count" } },
  { key: "model_params.task_type", value: "GPU", to: null, device: "cuda" },
  { key: "model_params.task_type", value: "CPU", to: null, device: "cpu" },
  { key: "model_params.od_type", value: "Iter", to: null },
  { key: "model_params.od_wait", to: { key: "training.early_stopping_rounds" } },
  { key: "model_params.early_stopping_rounds", to: { key: "training.early_stopping_rounds" } },
  { key: "model_params.iterations", to: { key: "training.num_boost_round" } },
  { key: "model_params.n_estimators", to: { key: "training.num_boost_round" } },
  { key: "model_params.num_trees", to: { key: "training.num_boost_round" } },
  { key: "model_params.num_boost_round", to: { key: "training.num_boost_round" } },
];
