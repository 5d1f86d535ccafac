import { z } from "zod";
import { type CommonRows, compareModels, pairedDifference, weightedMean } from "../../evaluation/index.js";
import type { CvReport } from "../cv/index.js";
import { difference, figure, whole } from "../table.js";

const count = z.int().nonnegative();
const text = z.string();
const interval = z.tuple([z.number(), z.number()]);
const side = z.strictObject({ run_id: text.nullable(), model_name: text, log_loss: z.number().nonnegative() });
const bootstrap = z.strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() });
const verdict = z.enum(["YES", "NO", "NOT SHOWN"]);

/** Models of two cross-validations on the rows that both have answered, and on the sessions that both have traded. */
export const againstSchema = z.strictObject({
  symbol: text,
  horizon: count.describe("Bars."),
  synthetic: z.boolean(),
  rows: count.describe("Common to both."),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  first: side.describe("Log-losses are those of the common rows."),
  second: side,
  log_loss_difference: z.number().describe("First minus second; below zero the first is better. Paired."),
  interval: interval.describe("95 %, circular block bootstrap."),
  better: verdict.describe("Is the first better?"),
  bootstrap,
  trading: z
    .strictObject({
      basis: z.enum(["net", "gross"]),
      sessions: count.describe("Common to both."),
      first_mean: z.number().describe("A session's mean result, a fraction."),
      second_mean: z.number(),
      difference: z.number().describe("First minus second; above zero the first is better. Paired."),
      interval,
      better: verdict,
      bootstrap,
    })
    .nullable(),
  no_trading_because: text.nullable(),
});
export type AgainstReport = z.infer<typeof againstSchema>;

/** Two reports of one symbol, horizon and dataset, and what their models lost on common rows. */
export interface AgainstInput {
  first: CvReport;
  second: CvReport;
  /** One row at least; losses in the order first, second. */
  common: CommonRows;
  /** (N) label durations in rows. */
  durations: ArrayLike<number>;
  seed: number;
}

export function buildAgainst({ first, second, common, durations, seed }: AgainstInput): AgainstReport {
  const [loss, other] = common.losses as [Float64Array, Float64Array];
  const found = compareModels(loss, other, { durations, seed });
  const iso = (time: number | undefined): string => new Date(time! / 1000).toISOString();
  const sideOf = ({ run_id, model_name }: CvReport, losses: Float64Array): AgainstReport["first"] => ({
    run_id,
    model_name,
    log_loss: weightedMean(losses),
  });
  return {
    symbol: first.symbol,
    horizon: first.horizon,
    synthetic: first.synthetic,
    rows: loss.length,
    from: iso(common.timestamps[0]),
    to: iso(common.timestamps.at(-1)),
    first: sideOf(first, loss),
    second: sideOf(second, other),
    log_loss_difference: found.difference,
    interval: [found.interval.lower, found.interval.upper],
    better: found.verdict,
    bootstrap: found.bootstrap,
    ...tradingAgainst(first, second, seed),
  };
}

function tradingAgainst(
  { trading: first, no_trading_because: why }: CvReport,
  { trading: second, no_trading_because: otherWhy }: CvReport,
  seed: number,
): Pick<AgainstReport, "trading" | "no_trading_because"> {
  const none = (no_trading_because: string) => ({ trading: null, no_trading_because });
  if (first === null || second === null) return none(why ?? otherWhy ?? "One of the runs has no trading figures.");
  if (first.basis !== second.basis) return none(`One is ${first.basis} of costs, the other ${second.basis}.`);
  const place = new Map(second.session_dates.map((date, i) => [date, i]));
  const dates = first.session_dates.flatMap((date, i) => (place.has(date) ? [[i, place.get(date)!] as const] : []));
  if (dates.length === 0) return none("No session was traded by both.");
  const results = Float64Array.from(dates, ([i]) => first.session_results[i]!);
  const others = Float64Array.from(dates, ([, i]) => second.session_results[i]!);
  // A loss is a result with the sign turned.
  const block = Math.max(first.bootstrap.block, second.bootstrap.block);
  const found = pairedDifference(
    results.map((value) => -value),
    others.map((value) => -value),
    { block, seed },
  );
  return {
    trading: {
      basis: first.basis,
      sessions: dates.length,
      first_mean: weightedMean(results),
      second_mean: weightedMean(others),
      difference: -found.difference,
      interval: [-found.interval.upper, -found.interval.lower],
      better: found.verdict,
      bootstrap: found.bootstrap,
    },
    no_trading_because: null,
  };
}

/** A few lines for the terminal, the verdict first. */
export function formatAgainst(report: AgainstReport): string {
  const { first, second, trading, no_trading_because } = report;
  const nameOf = ({ model_name, run_id }: AgainstReport["first"]): string => `${model_name} (${run_id ?? "no run"})`;
  const unreliable = (blocks: { unreliable: boolean; blocks: number }): string =>
    blocks.unreliable ? ` (interval unreliable: ${blocks.blocks} blocks)` : "";
  const part = (value: number): string => `${figure(100 * value)} %`;
  const kind = report.synthetic ? ", SYNTHETIC data" : "";
  return [
    `${nameOf(first)} better than ${nameOf(second)}? ${report.better}: log-loss ${figure(first.log_loss)} against ${figure(second.log_loss)}, difference ${difference(report.log_loss_difference, report.interval)}${unreliable(report.bootstrap)}`,
    `  ${report.symbol}, horizon ${report.horizon} bars${kind}, ${whole(report.rows)} rows that both have answered, ${report.from.slice(0, 10)} to ${report.to.slice(0, 10)}, blocks of ${report.bootstrap.block} rows`,
    trading === null
      ? `  Trading is not compared: ${no_trading_because}`
      : `  Trading, ${trading.basis}, a better result a session? ${trading.better}: ${part(trading.first_mean)} against ${part(trading.second_mean)}, difference ${part(trading.difference)} [${part(trading.interval[0])}, ${part(trading.interval[1])}] over ${whole(trading.sessions)} sessions${unreliable(trading.bootstrap)}`,
  ].join("\n");
}
