import { z } from "zod";
import type { BaselineScores } from "../../evaluation/index.js";
import { figure, table } from "../table.js";

const text = z.string();

/** A baseline that knows one thing of each row, and answers with the class shares of the training rows that are like it. */
export const baselineSchema = z.strictObject({
  name: z.enum(["last_label", "past_return"]),
  scores: z
    .strictObject({
      log_loss: z.number().nonnegative(),
      accuracy: z.number().min(0).max(1).describe("Of the hard guess: what it knows, taken as the answer."),
      log_loss_difference: z.number().describe("Model minus baseline; below zero the model is better."),
      interval: z.tuple([z.number(), z.number()]).describe("95 %, circular block bootstrap; paired."),
      beaten: z.enum(["YES", "NO", "NOT SHOWN"]),
    })
    .nullable(),
  reason: text.nullable().describe("Why there are no scores."),
});
export type BaselineReport = z.infer<typeof baselineSchema>;

const NAMES = ["last_label", "past_return"] as const;

const MISSING = "The dataset has no entry_price on which a past return could be taken.";

export function buildBaselines(scores: Readonly<Record<string, BaselineScores>>): BaselineReport[] {
  return NAMES.map((name) => {
    const own = scores[name];
    if (own === undefined) return { name, scores: null, reason: MISSING };
    const { difference, interval, verdict } = own.comparison;
    return {
      name,
      scores: {
        log_loss: own.logLoss,
        accuracy: own.accuracy,
        log_loss_difference: difference,
        interval: [interval.lower, interval.upper],
        beaten: verdict,
      },
      reason: null,
    };
  });
}

const TITLES = { last_label: "last known label", past_return: "sign of the past return" };

/** The model against each of them. */
export function formatBaselines(baselines: readonly BaselineReport[]): string {
  const scored = baselines.flatMap(({ name, scores }) => (scores === null ? [] : [{ name, ...scores }]));
  if (scored.length === 0) return "";
  const reasons = baselines.flatMap(({ name, reason }) => (reason === null ? [] : [`${TITLES[name]}: ${reason}`]));
  return [
    table([
      ["baseline", "log-loss", "accuracy", "the model against it, 95 %", "beaten"],
      ...scored.map(({ name, log_loss, accuracy, log_loss_difference, interval: [low, high], beaten }) => [
        TITLES[name],
        figure(log_loss),
        figure(accuracy),
        `${figure(log_loss_difference)} [${figure(low)}, ${figure(high)}]`,
        beaten.toLowerCase(),
      ]),
    ]),
    ...reasons,
  ].join("\n");
}
