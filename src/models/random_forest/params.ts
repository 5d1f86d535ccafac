import { z } from "zod";
import { classWeight, share } from "../common.js";

/** `model_params`: the names and meanings of scikit-learn's `RandomForestClassifier`. */
export const params = z
  .strictObject({
    n_estimators: z
      .int()
      .min(1)
      .max(10_000)
      .default(300)
      .describe("Trees; more never overfit, but cost time in fitting and serving."),
    max_depth: z.int().min(1).max(64).nullable().default(8).describe("Deepest tree; null: no limit."),
    min_samples_leaf: z.int().min(1).default(100).describe("Least drawn rows in a leaf."),
    min_samples_split: z.int().min(2).default(2).describe("Least drawn rows in a node that is split."),
    max_features: z
      .union([z.enum(["sqrt", "log2"]), share(), z.null()])
      .default("sqrt")
      .describe("Features tried at a split: root or logarithm of their number, a share of them, or all (null)."),
    criterion: z
      .enum(["gini", "entropy", "log_loss"])
      .default("gini")
      .describe("What a split lessens; entropy and log_loss are the same."),
    max_leaf_nodes: z
      .int()
      .min(2)
      .nullable()
      .default(null)
      .describe("Most leaves of a tree, grown best first; null: no limit."),
    min_impurity_decrease: z.number().min(0).default(0).describe("Least weighted loss of impurity for a split."),
    bootstrap: z.boolean().default(true).describe("Every tree sees rows drawn with replacement; false: all rows."),
    max_samples: share()
      .nullable()
      .default(null)
      .describe("Share of the rows drawn for a tree; null: as many as there are. Needs bootstrap."),
    max_bin: z
      .int()
      .min(2)
      .max(65_535)
      .nullable()
      .default(255)
      .describe("Bins of a feature in which splits are looked for, a third faster; null: between all its values."),
  })
  .refine((values) => values.max_samples === null || values.bootstrap, {
    path: ["max_samples"],
    message: "must be null where bootstrap is false",
  });

export const training = z.strictObject({ class_weight: classWeight });
