import { z } from "zod";
import { evaluateTrading, type TradableRows, type TradingFigures } from "../evaluation/index.js";
import type { Costs } from "../types/index.js";
import { figure, percent, whole } from "./table.js";

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const text = z.string();

const figuresSchema = z.strictObject({
  trades: z.number().nonnegative(),
  turnover: z.number().nonnegative().describe("Trades a session."),
  exposure: share.describe("Share of the tested rows at which a position is held."),
  hit_rate: share.nullable().describe("Share of trades that gain; null, as the means, where there is no trade."),
  mean_gross: z.number().nullable(),
  mean_net: z.number().nullable().describe("Null, as total_net, where no costs are known."),
  total_gross: z.number().describe("Sum of the trades' returns, not compounded."),
  total_net: z.number().nullable(),
  sharpe: z.number().nullable().describe("Of the sessions' results, annualised; null where they do not vary."),
  skew: z.number().nullable(),
  kurtosis: z.number().nullable().describe("3 for a normal distribution."),
  max_drawdown: z.number().nonnegative().describe("Of the cumulated sessions' results."),
});

/** One position at a time, from a row whose likeliest class is −1 or 1 to the end of its label. Returns are fractions. */
export const tradingSchema = z.strictObject({
  basis: z.enum(["net", "gross"]).describe("What hit rate, Sharpe ratio, drawdown and sessions are of."),
  gross_because: text.nullable().describe("Why no costs are taken off."),
  costs: z
    .strictObject({
      tick_size: z.number(),
      tick_value: z.number(),
      commission: z.number().describe("A side."),
      slippage_ticks: z.number().describe("A side."),
    })
    .nullable(),
  calendar: text.nullable().describe("Whose sessions; null: hours unknown, a session is a UTC day."),
  sessions_per_year: count,
  sessions: count.describe("From that of the first tested row to that of the last exit, flat ones included."),
  untradable_rows: count.describe("Tested rows without a return or, where costs are known, without a price."),
  mean: figuresSchema.describe("Over the repeats: seeds, or seeds × paths; of those that have the figure."),
  repeats: z.array(
    figuresSchema.extend({ seed: count.nullable(), path: count.nullable().describe("cpcv: the backtest path.") }),
  ),
  session_mean: z.number(),
  session_mean_interval: z.tuple([z.number(), z.number()]).nullable(),
  bootstrap: z.strictObject({ block: count, blocks: count, resamples: count, unreliable: z.boolean() }),
  session_dates: z.array(z.iso.date()).describe("Trading dates of the exchange."),
  session_results: z.array(z.number()).describe("Means over the repeats; a trade belongs to the session of its exit."),
});
export type TradingReport = z.infer<typeof tradingSchema>;

/** Rows to trade on, and what the reader is told of them. */
export interface TradingInput extends TradableRows {
  /** (sessions) `2024-01-31`. */
  dates: readonly string[];
  /** The session template's id; null where hours are not known. */
  calendar: string | null;
  symbolCosts: Costs | null;
  /** Why `costs` is null. */
  grossBecause: string | null;
}

/** Backtests whole sets of answers, each of a seed and, of CPCV, a path. */
export function buildTrading(
  input: TradingInput,
  repeats: readonly { p: Float32Array | Float64Array; seed: number | null; path: number | null }[],
  { seed }: { seed: number },
): TradingReport {
  const evaluation = evaluateTrading(
    input,
    repeats.map(({ p }) => p),
    { seed },
  );
  const { symbolCosts: costs, sessions } = input;
  const { sessionInterval: interval, sessionResults } = evaluation;
  const known = (i: number): boolean => !Number.isNaN(input.returns[i]! + (input.costs?.[i] ?? 0));
  return {
    basis: input.costs === null ? "gross" : "net",
    gross_because: input.grossBecause,
    costs:
      costs === null
        ? null
        : {
            tick_size: costs.tickSize,
            tick_value: costs.tickValue,
            commission: costs.commission,
            slippage_ticks: costs.slippageTicks,
          },
    calendar: input.calendar,
    sessions_per_year: sessions.perYear,
    sessions: evaluation.sessions,
    untradable_rows: input.timestamps.reduce((rows, _, i) => (known(i) ? rows : rows + 1), 0),
    mean: figuresJson(evaluation.mean),
    repeats: evaluation.repeats.map((each, r) => ({
      ...figuresJson(each),
      seed: repeats[r]!.seed,
      path: repeats[r]!.path,
    })),
    session_mean: sessionResults.reduce((sum, result) => sum + result, 0) / sessionResults.length,
    session_mean_interval: interval === null ? null : [interval.lower, interval.upper],
    bootstrap: evaluation.bootstrap,
    session_dates: [...input.dates],
    session_results: [...sessionResults],
  };
}

function figuresJson(figures: TradingFigures): z.infer<typeof figuresSchema> {
  return {
    trades: figures.trades,
    turnover: figures.turnover,
    exposure: figures.exposure,
    hit_rate: figures.hitRate,
    mean_gross: figures.meanGross,
    mean_net: figures.meanNet,
    total_gross: figures.totalGross,
    total_net: figures.totalNet,
    sharpe: figures.sharpe,
    skew: figures.skew,
    kurtosis: figures.kurtosis,
    max_drawdown: figures.maxDrawdown,
  };
}

const optional = (value: number | null, show: (value: number) => string): string =>
  value === null ? "–" : show(value);
const returned = (value: number | null): string => optional(value, (known) => `${figure(100 * known, 4)} %`);
const summed = (value: number): string => `${figure(100 * value, 2)} %`;

/** A few lines for the terminal. */
export function formatTrading(trading: TradingReport): string {
  const { mean, basis, costs, gross_because, sessions, sessions_per_year, repeats, untradable_rows } = trading;
  const taken =
    costs === null
      ? `gross: ${gross_because}`
      : `net of ${costs.commission} commission and ${costs.slippage_ticks} tick${costs.slippage_ticks === 1 ? "" : "s"} of slippage a side`;
  if (mean.trades === 0) {
    return `Trading, one position at a time (${taken}): no trade, since no row's likeliest class is −1 or 1.`;
  }
  const paths = repeats.some(({ path }) => path !== null);
  const sharpes = repeats.map(({ sharpe }) => sharpe).filter((sharpe) => sharpe !== null);
  const over = repeats.length === 1 ? "" : `; means over ${repeats.length} ${paths ? "backtest paths" : "seeds"}`;
  const interval = trading.session_mean_interval;
  return [
    `Trading, one position at a time (${taken})${over}:`,
    `  ${whole(mean.trades)} trades in ${whole(sessions)} sessions, ${figure(mean.turnover, 1)} a session, in the market ${percent(mean.exposure)}; ${optional(mean.hit_rate, percent)} gain${untradable_rows === 0 ? "" : `; ${whole(untradable_rows)} rows cannot be entered (no return or no price)`}`,
    `  a trade ${basis === "net" ? `${returned(mean.mean_net)} net, ` : ""}${returned(mean.mean_gross)} gross; together ${basis === "net" ? `${summed(mean.total_net ?? 0)} net, ` : ""}${summed(mean.total_gross)} gross`,
    `  Sharpe ratio ${optional(mean.sharpe, (value) => figure(value, 2))} a year (× √${sessions_per_year}), largest drawdown ${summed(mean.max_drawdown)}; a session ${returned(trading.session_mean)}${interval === null ? "" : ` [${returned(interval[0])}, ${returned(interval[1])}]${trading.bootstrap.unreliable ? ", unreliable" : ""}`}`,
    ...(repeats.length > 1 && sharpes.length > 0
      ? [
          `  Sharpe ratio of the ${paths ? "paths" : "seeds"}: ${figure(Math.min(...sharpes), 2)} to ${figure(Math.max(...sharpes), 2)}, ${sharpes.filter((sharpe) => sharpe > 0).length} of ${repeats.length} above 0`,
        ]
      : []),
  ].join("\n");
}
