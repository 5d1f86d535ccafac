import { z } from "zod";
import { classWeight, learningRate, share } from "../common.js";

/** `model_params`: LightGBM's own names and meanings (lightgbm.readthedocs.io/en/stable/Parameters.html). */
export const params = z.strictObject({
  objective: z.literal("multiclass").default("multiclass").describe("Class probabilities: the only objective here."),
  num_class: z.literal(3).default(3).describe("Short, neutral, long."),
  metric: z
    .literal("multi_logloss")
    .default("multi_logloss")
    .describe("What early stopping watches: unweighted log-loss of the stop rows."),
  boosting: z
    .literal("gbdt")
    .default("gbdt")
    .describe("Gradient boosting: the only kind whose early stopping is exact."),
  learning_rate: learningRate().default(0.03).describe("Shrinkage of every round; smaller needs more rounds."),
  num_leaves: z.int().min(2).max(131_072).default(15).describe("Most leaves of a tree."),
  max_depth: z.int().min(-1).max(64).default(4).describe("Deepest tree; -1: no limit but num_leaves."),
  min_data_in_leaf: z.int().min(1).default(100).describe("Least rows of a leaf."),
  min_sum_hessian_in_leaf: z.number().min(0).default(1e-3).describe("Least sum of hessians in a leaf."),
  bagging_fraction: share().default(0.7).describe("Share of rows drawn, without putting back."),
  bagging_freq: z.int().min(0).default(1).describe("Rows are drawn anew after so many rounds; 0: never drawn."),
  feature_fraction: share().default(0.5).describe("Share of features drawn for every tree."),
  feature_fraction_bynode: share().default(1).describe("Share of the tree's features drawn for every split."),
  lambda_l2: z.number().min(0).default(5).describe("L2 penalty on leaf weights."),
  lambda_l1: z.number().min(0).default(0).describe("L1 penalty on leaf weights."),
  min_gain_to_split: z.number().min(0).default(0).describe("Least loss reduction for a split."),
  max_delta_step: z.number().min(0).default(0).describe("Bound on a leaf's step; 0: none."),
  path_smooth: z.number().min(0).default(0).describe("Pulls a small leaf's weight towards its parent's."),
  extra_trees: z.boolean().default(false).describe("One random threshold a feature instead of the best one."),
  max_bin: z.int().min(2).max(65_535).default(255).describe("Histogram bins of a feature."),
});

export const training = z.strictObject({
  num_boost_round: z.int().min(1).max(100_000).default(1000).describe("Most rounds."),
  early_stopping_rounds: z
    .int()
    .min(1)
    .nullable()
    .default(50)
    .describe("Stop after this many rounds without a better log-loss of the stop rows; null: never."),
  class_weight: classWeight,
});
