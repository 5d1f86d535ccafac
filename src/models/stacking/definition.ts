import { z } from "zod";
import { defineEnsemble } from "../ensemble/define.js";
import { bases, meta, metaSearchSpace } from "../ensemble/params.js";

const params = z.strictObject({
  ...bases,
  folds: z
    .int()
    .min(2)
    .max(50)
    .default(5)
    .describe("Purged folds of the training rows by which the bases answer what they have not seen."),
  ...meta,
  second_layer: z
    .array(z.string().min(1))
    .default([])
    .describe("Tabular models between bases and meta-learner, fitted on the bases' answers: two layers."),
});

export const stacking = defineEnsemble({
  id: "stacking",
  title: "Meta-learner on the out-of-fold answers of other models",
  params,
  searchSpace: metaSearchSpace,
});
