import { z } from "zod";
import { classWeight, learningRate, share } from "../common.js";

/** `model_params`: XGBoost's own names and meanings (xgboost.readthedocs.io/en/stable/parameter.html). */
export const params = z.strictObject({
  objective: z
    .literal("multi:softprob")
    .default("multi:softprob")
    .describe("Class probabilities: the only objective here."),
  num_class: z.literal(3).default(3).describe("Short, neutral, long."),
  eval_metric: z
    .literal("mlogloss")
    .default("mlogloss")
    .describe("What early stopping watches: unweighted log-loss of the stop rows."),
  booster: z.literal("gbtree").default("gbtree").describe("Trees: the only booster whose ONNX export is exact."),
  tree_method: z
    .literal("hist")
    .default("hist")
    .describe('Histogram method, on the CPU and on CUDA; the old "gpu_hist" means hist on CUDA.'),
  learning_rate: learningRate().default(0.03).describe("Shrinkage of every round; smaller needs more rounds."),
  max_depth: z.int().min(0).max(24).default(4).describe("Deepest tree; 0: no limit, with grow_policy lossguide."),
  min_child_weight: z
    .number()
    .min(0)
    .default(20)
    .describe("Least sum of hessians in a leaf; a row has about 0.4, so 20 is about 50 rows."),
  subsample: share().default(0.7).describe("Share of rows drawn for every round."),
  colsample_bytree: share().default(0.5).describe("Share of features drawn for every tree."),
  reg_lambda: z.number().min(0).default(5).describe("L2 penalty on leaf weights."),
  reg_alpha: z.number().min(0).default(0).describe("L1 penalty on leaf weights."),
  gamma: z.number().min(0).default(0).describe("Least loss reduction for a split."),
  max_delta_step: z.number().min(0).default(0).describe("Bound on a leaf's step; 0: none."),
  colsample_bylevel: share().default(1).describe("Share of the tree's features drawn for every level."),
  colsample_bynode: share().default(1).describe("Share of the level's features drawn for every split."),
  sampling_method: z
    .enum(["uniform", "gradient_based"])
    .default("uniform")
    .describe("How rows are drawn; gradient_based needs CUDA."),
  grow_policy: z
    .enum(["depthwise", "lossguide"])
    .default("depthwise")
    .describe("Split the node nearest to the root, or the one that gains most."),
  max_leaves: z.int().min(0).max(65_536).default(0).describe("Most leaves of a tree; 0: no limit but max_depth."),
  max_bin: z.int().min(2).max(65_535).default(256).describe("Histogram bins of a feature."),
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
