import { z } from "zod";
import { againstBest, type CommonRows, weightedMean } from "../../evaluation/index.js";
import { difference, figure, table, whole } from "../table.js";

const count = z.int().nonnegative();
const text = z.string();

/** The models of one run on one symbol and horizon, each beside the best-placed. */
export const comparisonSchema = z.strictObject({
  part: z.enum(["oof", "val_calibrate"]).describe("Whose rows: out-of-fold answers, or those that no fit has seen."),
  rows: count.describe("Common to all of the models."),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  best: text.describe("The least log-loss on these rows, by which it was chosen: its lead is somewhat too large."),
  models: z
    .array(
      z.strictObject({
        model_name: text,
        log_loss: z.number().nonnegative(),
        behind_best: z
          .strictObject({
            log_loss_difference: z.number().describe("Model minus best; above zero the model is worse. Paired."),
            interval: z.tuple([z.number(), z.number()]).describe("95 %, circular block bootstrap."),
            worse: z.enum(["YES", "NO", "NOT SHOWN"]),
          })
          .nullable()
          .describe("Null for the best-placed itself."),
      }),
    )
    .describe("In the order of their log-loss."),
  bootstrap: z.strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() }),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export interface ComparisonInput {
  part: Comparison["part"];
  /** Of each model, in the order of the losses. */
  names: readonly string[];
  common: CommonRows;
  /** (N) label durations in rows. */
  durations: ArrayLike<number>;
  seed: number;
}

/** Null where there are not two models, or no row that all have answered. */
export function buildComparison({ part, names, common, durations, seed }: ComparisonInput): Comparison | null {
  const { timestamps, losses } = common;
  if (names.length < 2 || timestamps.length === 0) return null;
  const { best, behind, bootstrap } = againstBest(losses, { durations, seed });
  const models = names.map((model_name, m): Comparison["models"][number] => {
    const own = behind[m]!;
    return {
      model_name,
      log_loss: weightedMean(losses[m]!),
      behind_best:
        own === null
          ? null
          : {
              log_loss_difference: own.difference,
              interval: [own.interval.lower, own.interval.upper],
              worse: own.verdict,
            },
    };
  });
  const iso = (time: number | undefined): string => new Date(time! / 1000).toISOString();
  return {
    part,
    rows: timestamps.length,
    from: iso(timestamps[0]),
    to: iso(timestamps.at(-1)),
    best: names[best]!,
    models: models.sort((a, b) => a.log_loss - b.log_loss),
    bootstrap,
  };
}

/** The models beside the best-placed, for the terminal. */
export function formatComparison({ part, rows, best, models, bootstrap }: Comparison): string {
  const which = part === "oof" ? "out-of-fold rows" : "calibrate rows";
  const lines = models.map(({ model_name, log_loss, behind_best }) => [
    model_name,
    figure(log_loss),
    ...(behind_best === null
      ? ["", ""]
      : [difference(behind_best.log_loss_difference, behind_best.interval), behind_best.worse.toLowerCase()]),
  ]);
  return [
    `Each model beside ${best}, the best-placed, on ${whole(rows)} ${which}:`,
    table([["model", "log-loss", `minus ${best}, 95 %`, "worse?"], ...lines]),
    ...(bootstrap.unreliable ? [`Intervals of ${bootstrap.blocks} blocks: fewer than 10, unreliable.`] : []),
  ].join("\n");
}
