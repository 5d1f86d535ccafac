import { z } from "zod";
import { FoldwiseError } from "../../types/index.js";
import { metricsSchema } from "../schema.js";

const count = z.int().nonnegative();
const text = z.string();
const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const params = z.record(z.string(), value);
const interval = z.tuple([z.number(), z.number()]);

export const tuningTrialSchema = z.strictObject({
  slot: count.describe("From 0, in the order of asking; 0 are the settings without tuning."),
  number: count.describe("Optuna's own number; a trial that was killed and asked again has a later one."),
  state: z.enum(["complete", "pruned", "fail", "running"]),
  value: z.number().nullable().describe("Of the tuned metric; null where the trial was not completed."),
  params: params.describe("As drawn. Of slot 0 the nearest points of the space."),
  best_epochs: z.array(count).nullable().describe("Of each fit; 0 for models without rounds."),
  pruned_at: count
    .nullable()
    .describe(
      "Step: fold × rounds + round; that of the last round stands for the whole fold. A race does its folds in any order.",
    ),
  seconds: z.number().nonnegative().nullable(),
  error: text.nullable(),
});
export type TuningTrial = z.infer<typeof tuningTrialSchema>;

const gain = z.strictObject({
  basis: z
    .enum(["log_loss", "brier", "accuracy", "sessions"])
    .describe("What is compared: means over rows, or results of sessions. Of f1_macro and mcc: log_loss."),
  difference: z.number().describe("Best minus default; of losses below zero the best is better, of others above."),
  interval: interval.describe("95 %, paired, circular block bootstrap."),
  shown: z.boolean().describe("Whether the whole interval is on the better side."),
  bootstrap: z.strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() }),
});

/** `reports/{job}_tune.json`. */
export const tuningReportSchema = z.strictObject({
  format: z.literal(1),
  head_line: text,
  model_name: text,
  family: text,
  symbol: text,
  horizon: count.describe("Bars."),
  synthetic: z.boolean(),
  run_id: text,
  created: z.iso.datetime(),
  study: z.strictObject({ file: text, name: text }).describe("Optuna's own; optuna-dashboard reads it."),
  metric: text,
  direction: z.enum(["minimize", "maximize"]),
  sampler: text,
  pruner: text,
  seed: count,
  scheme: z.strictObject({ name: text, description: text, splits: count }),
  seeds: z.array(count),
  embargo: count.describe("Rows."),
  target: count.describe("Trials that the study was to hold."),
  out_of_time: z.boolean().describe("--timeout came first."),
  new_trials: count.describe("Ended by the call that wrote this; the others were there before."),
  counts: z.strictObject({ complete: count, pruned: count, failed: count, running: count }),
  distribution: z
    .strictObject({ worst: z.number(), lower: z.number(), median: z.number(), upper: z.number(), best: z.number() })
    .describe("Of the completed trials' values; lower and upper are quartiles."),
  best: z.strictObject({
    slot: count,
    value: z.number(),
    params,
    is_default: z.boolean(),
    refit_epochs: count.nullable().describe("Median best round of the folds; null without rounds."),
  }),
  default: z
    .strictObject({
      value: z.number(),
      fitted: params.describe("What slot 0 was fitted with, where its default lies outside of the space."),
    })
    .nullable()
    .describe("Slot 0; null where it failed."),
  gain: gain.nullable().describe("Best against default on the same rows; null where the default is the best."),
  overfitting: z
    .strictObject({
      probability: z.number().min(0).max(1),
      basis: text,
      compared: count,
      pruned_finished: count.describe("Pruned trials that --pbo has finished for it."),
      survivors_only: z.boolean().describe("Pruned trials are missing: what is left is better than what was tried."),
      splits: count,
      blocks: count,
    })
    .nullable()
    .describe("Probability of backtest overfitting by CSCV: Bailey, Borwein, López de Prado and Zhu, 2015."),
  no_overfitting_because: text.nullable(),
  trials_effective: z
    .number()
    .nonnegative()
    .describe("How many independent configurations all that were tried are worth."),
  deflated_sharpe: z
    .strictObject({
      probability: z.number().min(0).max(1).nullable(),
      sharpe: z.number().describe("Of one session, of the best trial."),
      expected: z.number().describe("The best to be expected of as many worthless trials."),
      sessions_per_year: count,
    })
    .nullable(),
  no_deflated_sharpe_because: text.nullable(),
  importance: z
    .record(z.string(), z.number())
    .describe(
      "Share of the values' variance that each parameter explains (fANOVA: Hutter, Hoos and Leyton-Brown, 2014).",
    ),
  curve: z.array(z.strictObject({ slot: count, best: z.number() })).describe("Best so far, where it changed."),
  cv: z
    .strictObject({
      head_line: text,
      metrics: metricsSchema,
      prior: metricsSchema,
      log_loss_difference: z.number(),
      interval,
    })
    .describe("Out-of-fold figures of the best trial: too good, for it was chosen by them."),
  nested: z
    .strictObject({
      head_line: text,
      metrics: metricsSchema,
      prior: metricsSchema,
      log_loss_difference: z.number(),
      interval,
      value: z.number().describe("Of the tuned metric."),
      folds: z.array(z.strictObject({ fold: count, trials: count, value: z.number(), params })),
    })
    .nullable()
    .describe("--nested: every outer fold answered by what was tuned without it; no choice was made on these rows."),
  refit: z.strictObject({
    rows: z.enum(["train", "train_val"]),
    epochs: count.nullable(),
    report: text,
    head_line: text.describe("Of its report: of the test rows, or where those stay closed, of the calibrate rows."),
    test_prior: metricsSchema.nullable(),
    test: metricsSchema.nullable().describe("Null where the test part stayed closed."),
  }),
  trials: z.array(tuningTrialSchema),
  files: z.strictObject({ config: text, cv: text, oof: text }),
  data: z.strictObject({ fingerprint: text.nullable(), features: count, sources: z.array(text) }),
  versions: z.record(z.string(), z.string()),
  seconds: z.strictObject({
    search: z.number().nonnegative(),
    pbo: z.number().nonnegative(),
    nested: z.number().nonnegative(),
  }),
  warnings: z.array(text),
  notices: z.array(text),
});
export type TuningReport = z.infer<typeof tuningReportSchema>;

/** The text of a report's file. */
export const encodeTuningReport = (report: TuningReport): string =>
  `${JSON.stringify(tuningReportSchema.parse(report), null, 2)}\n`;

/** Reads the text of a report's file; throws `data.bad_report`. `path` is for the message. */
export function parseTuningReport(content: string, path: string): TuningReport {
  let why: string;
  try {
    const parsed = tuningReportSchema.safeParse(JSON.parse(content));
    if (parsed.success) return parsed.data;
    why = z.prettifyError(parsed.error).replaceAll("\n", " ");
  } catch (cause) {
    why = cause instanceof Error ? cause.message : String(cause);
  }
  throw new FoldwiseError("data.bad_report", `${path} is no report of tuning: ${why}`, {
    remedy: "Name a *_tune.json of a run's reports folder, made by this version.",
  });
}

/** `docs/schemas/tune.schema.json`. */
export function tuningReportJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: tuning report",
    ...z.toJSONSchema(tuningReportSchema, { io: "input", target: "draft-7", reused: "ref" }),
  };
}
