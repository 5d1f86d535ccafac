import { z } from "zod";
import { decisionSchema } from "./decision.js";

const count = z.int().nonnegative();
/** Nats; clipping at 1e-15 keeps every log-loss finite. */
const loss = z.number().nonnegative();
const share = z.number().min(0).max(1);
const text = z.string();
const classId = z.union([z.literal(-1), z.literal(0), z.literal(1)]);
const verdict = z.enum(["YES", "NO", "NOT SHOWN"]);
const three = z.tuple([z.number().nonnegative(), z.number().nonnegative(), z.number().nonnegative()]);
const interval = z.tuple([z.number(), z.number()]);
/** −1, 0, 1 → rows. */
const classes = z.strictObject({ "-1": count, "0": count, "1": count });

/** The requirements' fields; null where a figure does not exist. */
export const trainingMetricsSchema = z.strictObject({
  train_loss: loss,
  val_loss: loss.nullable(),
  train_accuracy: share,
  val_accuracy: share.nullable(),
  best_epoch: count.describe("From 1; 0 for models without rounds."),
  total_epochs: count,
  early_stopped: z.boolean(),
  training_time: z.number().nonnegative().describe("Seconds."),
});

/** Exactly the keys of design, section 8. */
export const metricsSchema = z.strictObject({
  accuracy: share,
  precision: share.describe("Macro average over the classes that occur; 0/0 counts 0. So are recall and f1."),
  recall: share,
  f1: share,
  log_loss: loss.describe("Nats; probabilities clipped at 1e-15."),
  brier: z.number().nonnegative(),
  mcc: z.number().min(-1).max(1),
  ece: share.describe("Expected calibration error of the confidence, 15 equal bins."),
  confusion_matrix: z
    .tuple([three, three, three])
    .describe("Rows true, columns predicted, order −1, 0, 1; sums of weights where the rows are weighted."),
});

const classScoresSchema = z.strictObject({
  class: classId,
  precision: share,
  recall: share,
  f1: share,
  support: z.number().nonnegative(),
});

export const partReportSchema = z.strictObject({
  rows: count,
  head_line: text,
  verdict,
  metrics: metricsSchema,
  uniqueness_weighted: metricsSchema.describe("Rows count by the average uniqueness of their label."),
  class_scores: z.tuple([classScoresSchema, classScoresSchema, classScoresSchema]),
  log_loss_trained_classes: loss.nullable().describe("Without the rows of classes that training lacked."),
  rows_of_untrained_classes: count,
  prior: z
    .strictObject({ metrics: metricsSchema, uniqueness_weighted: metricsSchema })
    .describe("The class shares of the training rows as the prediction of the same rows."),
  log_loss_difference: z.number().describe("Model minus prior; below zero is better."),
  intervals: z
    .strictObject({ accuracy: interval, log_loss: interval, log_loss_difference: interval })
    .describe("95 %, circular block bootstrap; the difference is paired."),
  bootstrap: z.strictObject({
    block: count.describe("Rows."),
    blocks: count,
    resamples: count,
    unreliable: z.boolean().describe("Fewer than 10 blocks."),
  }),
  effective_n: z.number().nonnegative().describe("Sum of average uniqueness."),
});

const reliabilitySchema = z
  .array(z.strictObject({ from: share, to: share, rows: count, confidence: share, accuracy: share }))
  .describe("Rows by confidence, bins with rows only: mean confidence beside the share that was right.");

const calibratedSchema = z.strictObject({
  log_loss: loss,
  ece: share,
  classwise_ece: share.describe("Mean over the classes of the expected calibration error of its probability."),
  reliability: reliabilitySchema,
});

const calibrationSchema = z.strictObject({
  kind: text.describe("none, temperature, prior, pool or vector."),
  parameters: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  reason: text,
  tried: z
    .array(z.strictObject({ kind: text, log_loss: loss, gain: z.number(), standard_error: z.number().nonnegative() }))
    .describe("Cross-fitted log-loss of each kind on the rows that the folds test, and its gain on none."),
  before: calibratedSchema,
  after: calibratedSchema,
});

const ensembleSchema = z.strictObject({
  combination: text.describe("soft_vote, hard_vote, shrunk_logistic, or model: the one of layer answers."),
  reason: text.nullable().describe("Why the weights are equal although they were to be learned."),
  learned_on: z.enum(["calibrate", "out-of-fold", "nothing"]),
  rows: count.describe("Rows that it learned to combine on."),
  effective_labels: z.number().nonnegative(),
  bases: z.array(
    z.strictObject({
      model: text,
      source: text.describe("Job or run that fitted it."),
      weight: z.number().nonnegative().nullable().describe("Of a vote."),
      coefficients: z.array(z.number()).nullable().describe("Of shrunk_logistic: one, or one for each class."),
      log_loss: loss.describe("On the calibrate rows, which it has not seen."),
      adds: z
        .number()
        .nullable()
        .describe("Rise of the ensemble's loss on the calibrate rows without it; null for two bases."),
    }),
  ),
  layer: z
    .array(z.strictObject({ model: text, coefficients: z.array(z.number()).nullable() }))
    .describe("Models that see the bases' answers."),
  passthrough: z.array(text).describe("Features that they see beside them."),
  bias: z.array(z.number()).nullable(),
  error_correlation: z
    .array(z.array(z.number().nullable()))
    .describe("Of the bases' losses, row by row, on the calibrate rows; null where losses do not vary."),
  dropped: z.array(z.strictObject({ model: text, why: text })),
  windowless: count.describe("Training rows at which no full window of every base ends."),
});

const rowsSchema = z.strictObject({
  rows: count,
  classes: classes.nullable().describe("Rows of each class; null while the part is closed."),
  unlabelled: count.describe("Not labelled at every horizon of the dataset."),
  purged: count.describe("Their label interval reached into the next part."),
  embargoed: count,
  windowless: count.default(0).describe("Labelled rows at which no full window of bars in one piece ends."),
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
});

export const reportSchema = z.strictObject({
  format: z.literal(1),
  head_line: text,
  verdict,
  head_part: z.enum(["test", "calibrate"]).describe("The rows that the head line speaks of."),
  model_name: text,
  family: text,
  symbol: text,
  horizon: count.describe("Bars."),
  synthetic: z.boolean().describe("The rows come from the demo generator."),
  run_id: text.nullable(),
  created: z.iso.datetime(),
  training_metrics: trainingMetricsSchema,
  test_metrics: metricsSchema.nullable().describe("Null where the test part was left closed."),
  feature_importance: z.record(z.string(), z.number()).describe("Every feature, the largest first."),
  importance_kind: text
    .nullable()
    .describe("gain: share of the loss that splits took away. permutation: rise of log-loss, nats."),
  validation: z.strictObject({ stop: partReportSchema.nullable(), calibrate: partReportSchema }),
  test: partReportSchema.nullable(),
  test_openings: z
    .strictObject({ opened: count, configurations: count })
    .nullable()
    .describe("Of this symbol's overlapping test range, over the whole runs folder, this one included."),
  prior: z
    .strictObject({ "-1": share, "0": share, "1": share })
    .describe("Unweighted class shares of the training rows."),
  trained_classes: z.array(classId),
  rows: z.strictObject({ train: rowsSchema, stop: rowsSchema, calibrate: rowsSchema, test: rowsSchema }),
  embargo: count.describe("Rows."),
  data: z.strictObject({
    fingerprint: text.nullable(),
    layout: z.enum(["series", "splits"]).nullable(),
    features: count,
    sources: z.array(text).describe("File names."),
  }),
  configuration: z.strictObject({
    preset: text,
    model_params: z.record(z.string(), z.unknown()),
    training: z.record(z.string(), z.unknown()),
  }),
  tuned: z
    .strictObject({ run_id: text, study: text, trials: count, metric: text })
    .nullable()
    .default(null)
    .describe(
      "Parameters were chosen on rows of train and validation: figures of those rows are too good. Null: they were not.",
    ),
  seed: count,
  device: text,
  versions: z.record(z.string(), z.string()),
  seconds: z.record(z.string(), z.number().nonnegative()).describe("Per stage."),
  peak_memory_bytes: count.nullable().describe("Of the engine's worker."),
  quantised: z.enum(["built", "reused"]).nullable().describe("Was quantised data taken from the worker's cache?"),
  sequence: z
    .strictObject({
      seq_len: count.describe("Bars of a window."),
      receptive_field: count.describe("Bars that an answer depends on."),
      mode: z.enum(["dense", "windowed"]),
      precision: z.enum(["fp32", "bf16"]),
      batch_size: count.describe("Labelled outputs a step."),
      parameters: count,
      resumed_from: count.describe("Epoch of the checkpoint from which the fit went on; 0: from the start."),
      train_rows_scored: count.describe("Training windows on which train loss and accuracy were taken."),
    })
    .nullable()
    .default(null)
    .describe("Of a sequence model."),
  parity: z
    .strictObject({ max_abs_diff: z.number().nonnegative(), rows: count, tolerance: z.number() })
    .nullable()
    .describe("Node's ONNX runtime against the native model, on raw probabilities."),
  calibration: calibrationSchema
    .nullable()
    .default(null)
    .describe(
      "On the calibrate rows; after: each row by a calibrator that had not seen it. Null: none was asked for, or the model can hold none.",
    ),
  decision: decisionSchema
    .nullable()
    .default(null)
    .describe("Prediction sets and signals. Null: a report of before there were any."),
  ensemble: ensembleSchema.nullable().default(null).describe("Of voting, stacking and blending."),
  warnings: z.array(text),
  notices: z.array(text),
});

/** A report as its JSON file holds it. */
export type Report = z.infer<typeof reportSchema>;
export type PartReport = z.infer<typeof partReportSchema>;
export type MetricsJson = z.infer<typeof metricsSchema>;

/** `docs/schemas/report.schema.json`. */
export function reportJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: report",
    ...z.toJSONSchema(reportSchema, { io: "input", target: "draft-7", reused: "ref" }),
  };
}
