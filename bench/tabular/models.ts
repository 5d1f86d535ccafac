import type { FitSettings } from "../lib/fits.js";

export interface BenchModel {
  id: string;
  boosted: boolean;
  /** Settings under which the peak of memory is reached but the time is not spent; on both sides. */
  small: FitSettings;
  /** What differs from the direct call. */
  note?: string;
}

const rounds = { training: { num_boost_round: 30 } };

/** The six, with what is shipped. */
export const MODELS: readonly BenchModel[] = [
  { id: "xgboost", boosted: true, small: rounds },
  { id: "lightgbm", boosted: true, small: rounds },
  { id: "catboost", boosted: true, small: rounds },
  {
    id: "random_forest",
    boosted: false,
    small: { model_params: { n_estimators: 40 } },
    note: "255 bins against all values",
  },
  { id: "logistic", boosted: false, small: {} },
  { id: "svm", boosted: false, small: {} },
];
