import { z } from "zod";
import type { EnsembleModelDefinition } from "../definition.js";
import { bases, capabilities, meta, noTraining, presets } from "../ensemble/params.js";

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

export const stacking: EnsembleModelDefinition = {
  kind: "ensemble",
  id: "stacking",
  family: "ensemble",
  title: "Meta-learner on the out-of-fold answers of other models",
  capabilities,
  params,
  training: noTraining,
  presets,
  ignoredKeys: {},
  oldSpellings: [],
  searchSpace: {
    "model_params.strength": { type: "float", low: 0.1, high: 1000, log: true },
    "model_params.per_class": { type: "categorical", choices: [false, true] },
  },
};
