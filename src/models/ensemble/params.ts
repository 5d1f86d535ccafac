/** Options that the three ensembles share, so that they have one name, one meaning and one description. */
import { z } from "zod";
import type { EnsembleModelDefinition, ModelCapabilities } from "../definition.js";

/** Cheap to fit, and unlike one another: two ways of boosting, bagged trees, a linear model. */
const DEFAULT_BASES = ["lightgbm", "catboost", "random_forest", "logistic"] as const;

/** The meta-learner that is ours and no registered model: it begins at equal weights and leaves them as far as evidence goes. */
export const SHRUNK_LOGISTIC = "shrunk_logistic";

export const bases = {
  bases: z
    .union([z.literal("all"), z.array(z.string().min(1))])
    .default([...DEFAULT_BASES])
    .describe(
      "Models that are combined, each with its own settings; all: those of the same call, or every available one where it names no other.",
    ),
  on_base_failure: z
    .enum(["error", "drop"])
    .default("error")
    .describe("What a base that cannot be fitted does: end the fit, or be left out with a warning."),
  windowless: z
    .enum(["leave_out", "drop_base"])
    .default("leave_out")
    .describe(
      "Rows at which no full window of a sequence base ends: leave them out for all bases, or drop bases that have some.",
    ),
};

export const meta = {
  meta_learner: z
    .string()
    .min(1)
    .default(SHRUNK_LOGISTIC)
    .describe(
      "What combines the bases' answers. shrunk_logistic: multinomial logistic, held towards equal weights; or any tabular model.",
    ),
  strength: z
    .number()
    .gt(0)
    .default(40)
    .describe("shrunk_logistic: effective labels that the wish for equal weights is worth."),
  per_class: z
    .boolean()
    .default(false)
    .describe("shrunk_logistic: a weight for each class of each base, in the place of one a base."),
  passthrough: z
    .array(z.string().min(1))
    .default([])
    .describe("Features that a meta-learner other than shrunk_logistic sees beside the bases' answers."),
};

/** Nothing of an ensemble itself is trained by rounds or on a device: that is its bases' affair. */
export const noTraining = z.strictObject({});

export const capabilities: ModelCapabilities = {
  input: "tabular",
  earlyStopping: false,
  missingValues: "native",
  importance: "permutation",
  importanceRows: 500,
  devices: ["cpu"],
  scaler: false,
};

/** The same for noisy labels as for others: what is fitted is held back by itself. */
export const presets = {
  market: { model_params: {}, training: {} },
  reference: { model_params: {}, training: {} },
};

const shrunk = { key: "model_params.meta_learner", in: [SHRUNK_LOGISTIC] };

/**
 * Of ensembles with a meta-learner. Which one is left to the configuration: over a second layer only shrunk_logistic combines, and beside
 * passthrough only others do. A file may add it: `model_params.meta_learner: {type: categorical, choices: [shrunk_logistic, logistic]}`.
 */
export const metaSearchSpace: EnsembleModelDefinition["searchSpace"] = {
  "model_params.strength": { type: "float", low: 0.1, high: 1000, log: true, when: shrunk },
  "model_params.per_class": { type: "categorical", choices: [false, true], when: shrunk },
};
