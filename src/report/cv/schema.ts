import { z } from "zod";
import { metricsSchema } from "../schema.js";
import { tradingSchema } from "../trading.js";
import { baselineSchema } from "./baselines.js";

const count = z.int().nonnegative();
const loss = z.number().nonnegative();
const share = z.number().min(0).max(1);
const text = z.string();
const classId = z.union([z.literal(-1), z.literal(0), z.literal(1)]);
const interval = z.tuple([z.number(), z.number()]);

/** Rows of one use, and between when they lie. */
export const spanSchema = z.strictObject({
  rows: count,
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
});

/** One fitted fold, as the report tells of it and as it is kept until its job is finished. */
export const foldReportSchema = z.strictObject({
  fold: count.describe("From 0, in the order of time."),
  seed: count,
  groups: z.array(count).nullable().describe("cpcv: the groups that it tests."),
  fit: spanSchema.describe("Rows that the model was fitted on."),
  stop: spanSchema.nullable().describe("Rows that ended training; null for models that do not stop early."),
  test: spanSchema,
  purged: count.describe("Rows whose label meets that of a tested row."),
  embargoed: count,
  stop_purged: count.describe("Rows whose label reaches into the stop rows."),
  stop_embargoed: count,
  trained_classes: z.array(classId),
  prior: z
    .tuple([share, share, share])
    .describe("Class shares of the fold's training rows, those to stop by included; order −1, 0, 1."),
  best_epoch: count.describe("From 1; 0 for models without rounds."),
  total_epochs: count,
  early_stopped: z.boolean(),
  train_loss: loss.nullable().describe("Null where an engine fitted for the answers alone, as in trials of `tune`."),
  stop_loss: loss.nullable(),
  test_scores: z.strictObject({
    log_loss: loss,
    brier: loss,
    accuracy: share,
    f1: share.nullable(),
    mcc: z.number().min(-1).max(1).nullable().describe("Null, as f1, where all tested labels are of one class."),
    prior_log_loss: loss,
  }),
  quantised: z.enum(["built", "reused"]).nullable(),
  seconds: z.number().nonnegative(),
  warnings: z.array(text),
});
export type FoldReport = z.infer<typeof foldReportSchema>;

const mean = z.strictObject({ mean: z.number(), standard_error: z.number().nonnegative().nullable() });
const means = z.strictObject({ log_loss: mean, log_loss_difference: mean, accuracy: mean, brier: mean });

/** `reports/{job}_cv.json`. */
export const cvReportSchema = z.strictObject({
  format: z.literal(1),
  head_line: text,
  verdict: z.enum(["YES", "NO", "NOT SHOWN"]),
  model_name: text,
  family: text,
  symbol: text,
  horizon: count.describe("Bars."),
  synthetic: z.boolean(),
  run_id: text.nullable(),
  created: z.iso.datetime(),
  scheme: z.strictObject({
    name: z.enum(["kfold", "walk-forward", "cpcv"]),
    description: text,
    splits: count,
  }),
  seeds: z.array(count),
  prior_trials: count
    .default(0)
    .describe("Configurations that were tried before or elsewhere, as --prior-trials said."),
  embargo: count.describe("Rows."),
  rows: z.strictObject({
    used: count.describe("Rows of train and validation that some fold may use."),
    unlabelled: count,
    windowless: count,
    reaching_test: count.describe("Left out: their labels look into the test part."),
  }),
  cv: z
    .strictObject({
      rows: count,
      metrics: metricsSchema.describe("Means over the repeats: seeds, or seeds × paths."),
      prior: metricsSchema,
      log_loss_difference: z.number(),
      intervals: z.strictObject({ accuracy: interval, log_loss: interval, log_loss_difference: interval }),
      bootstrap: z.strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() }),
      effective_n: z.number().nonnegative(),
    })
    .describe("Out-of-fold answers of all tested rows together."),
  across_folds: means,
  across_seeds: means.nullable().describe("Null where there is one seed."),
  paths: z
    .array(
      z.strictObject({ path: count, seed: count, log_loss: loss, log_loss_difference: z.number(), accuracy: share }),
    )
    .nullable()
    .describe("cpcv: the backtest paths."),
  baselines: z
    .array(baselineSchema)
    .default([])
    .describe("Beside the class prior: what is already known at a row, as the only thing that is known."),
  trading: tradingSchema.nullable().default(null),
  no_trading_because: text.nullable().default(null),
  refit_epochs: count
    .nullable()
    .describe("The median best round of the folds, for a fit on all rows; null without rounds."),
  folds: z.array(foldReportSchema),
  data: z.strictObject({ fingerprint: text.nullable(), features: count, sources: z.array(text) }),
  configuration: z.strictObject({
    preset: text,
    model_params: z.record(z.string(), z.unknown()),
    training: z.record(z.string(), z.unknown()),
  }),
  versions: z.record(z.string(), z.string()),
  seconds: z.number().nonnegative(),
  warnings: z.array(text),
  notices: z.array(text),
});
export type CvReport = z.infer<typeof cvReportSchema>;

/** `docs/schemas/cv.schema.json`. */
export function cvReportJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: cross-validation report",
    ...z.toJSONSchema(cvReportSchema, { io: "input", target: "draft-7", reused: "ref" }),
  };
}
