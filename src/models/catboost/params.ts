import { z } from "zod";
import { classWeight, learningRate, share } from "../common.js";

/** `model_params`: CatBoost's own names and meanings (catboost.ai/docs/en/references/training-parameters). */
export const params = z
  .strictObject({
    loss_function: z
      .literal("MultiClass")
      .default("MultiClass")
      .describe("Class probabilities: the only objective here."),
    classes_count: z.literal(3).default(3).describe("Short, neutral, long."),
    eval_metric: z
      .literal("MultiClass")
      .default("MultiClass")
      .describe("What early stopping watches: unweighted log-loss of the stop rows."),
    grow_policy: z
      .literal("SymmetricTree")
      .default("SymmetricTree")
      .describe("One split a level: the only trees that CatBoost exports to ONNX."),
    boosting_type: z
      .enum(["Plain", "Ordered"])
      .default("Plain")
      .describe("Ordered: gradients from models that did not see the row; several times slower."),
    learning_rate: learningRate().default(0.03).describe("Shrinkage of every round; smaller needs more rounds."),
    depth: z.int().min(1).max(16).default(4).describe("Depth of every tree, which has 2^depth leaves."),
    l2_leaf_reg: z.number().min(0).default(5).describe("L2 penalty on leaf weights."),
    rsm: share().default(0.5).describe("Share of features drawn for every split. All are used on CUDA."),
    bootstrap_type: z
      .enum(["Bayesian", "Bernoulli", "MVS", "No"])
      .default("Bernoulli")
      .describe("How rows are drawn or weighted for every tree."),
    subsample: share()
      .nullable()
      .default(0.7)
      .describe("Share of rows drawn; null: CatBoost's own. For bootstrap_type Bernoulli and MVS."),
    bagging_temperature: z
      .number()
      .min(0)
      .nullable()
      .default(null)
      .describe("Spread of the random weights; null: CatBoost's own. For bootstrap_type Bayesian."),
    random_strength: z.number().min(0).default(1).describe("Noise in the scores that choose splits; 0: none."),
    leaf_estimation_iterations: z.int().min(1).max(100).default(1).describe("Newton steps for a tree's leaf weights."),
    border_count: z.int().min(1).max(65_535).default(254).describe("Borders of a feature's bins; at most 255 on CUDA."),
  })
  .refine((values) => values.subsample === null || ["Bernoulli", "MVS"].includes(values.bootstrap_type), {
    path: ["subsample"],
    message: "must be null where bootstrap_type is Bayesian or No",
  })
  .refine((values) => values.bagging_temperature === null || values.bootstrap_type === "Bayesian", {
    path: ["bagging_temperature"],
    message: "must be null where bootstrap_type is not Bayesian",
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
