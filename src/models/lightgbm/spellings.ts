import type { OldSpelling } from "../definition.js";

const threads = "the engine pool gives each worker its threads (--workers)";
const seed = "the run's seed is used (--seed)";
const log = "what the engine logs is kept with the run";

export const ignoredKeys: Record<string, string> = {
  "training.verbose_eval": "progress is shown by Foldwise (--quiet turns it off)",
  "model_params.verbosity": log,
  "model_params.verbose": log,
  "model_params.num_threads": threads,
  "model_params.n_jobs": threads,
  "model_params.seed": seed,
  "model_params.random_state": seed,
};

/** The names of LightGBM's scikit-learn interface, and of xgboost. */
export const oldSpellings: readonly OldSpelling[] = [
  { key: "model_params.boosting_type", to: { key: "model_params.boosting" } },
  { key: "model_params.eta", to: { key: "model_params.learning_rate" } },
  { key: "model_params.min_child_samples", to: { key: "model_params.min_data_in_leaf" } },
  { key: "model_params.min_child_weight", to: { key: "model_params.min_sum_hessian_in_leaf" } },
  { key: "model_params.subsample", to: { key: "model_params.bagging_fraction" } },
  { key: "model_params.subsample_freq", to: { key: "model_params.bagging_freq" } },
  { key: "model_params.colsample_bytree", to: { key: "model_params.feature_fraction" } },
  { key: "model_params.reg_lambda", to: { key: "model_params.lambda_l2" } },
  { key: "model_params.reg_alpha", to: { key: "model_params.lambda_l1" } },
  { key: "model_params.min_split_gain", to: { key: "model_params.min_gain_to_split" } },
  { key: "model_params.n_estimators", to: { key: "training.num_boost_round" } },
];
