import type { OldSpelling } from "../definition.js";

const threads = "the engine pool gives each worker its threads (--workers)";
const seed = "the run's seed is used (--seed)";
const layout = "the layout is fixed, so that the same seed gives the same bits";
const log = "what the engine logs is kept with the run";

export const ignoredKeys: Record<string, string> = {
  "training.verbose_eval": "progress is shown by Foldwise (--quiet turns it off)",
  "model_params.verbosity": log,
  "model_params.verbose": log,
  "model_params.silent": log,
  "model_params.num_threads": threads,
  "model_params.num_thread": threads,
  "model_params.nthread": threads,
  "model_params.n_jobs": threads,
  "model_params.seed": seed,
  "model_params.random_seed": seed,
  "model_params.random_state": seed,
  "model_params.deterministic": "every fit is deterministic",
  "model_params.force_col_wise": layout,
  "model_params.force_row_wise": layout,
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
  { key: "model_params.max_bins", to: { key: "model_params.max_bin" } },
  { key: "model_params.class_weight", to: { key: "training.class_weight" } },
  { key: "model_params.device_type", value: "cpu", to: null, device: "cpu" },
  { key: "model_params.early_stopping_round", to: { key: "training.early_stopping_rounds" } },
  { key: "model_params.early_stopping_rounds", to: { key: "training.early_stopping_rounds" } },
  { key: "model_params.num_iterations", to: { key: "training.num_boost_round" } },
  { key: "model_params.num_boost_round", to: { key: "training.num_boost_round" } },
  { key: "model_params.n_estimators", to: { key: "training.num_boost_round" } },
];
