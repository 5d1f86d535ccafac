import { type Costs, FoldwiseError } from "../types/index.js";
import { type BlockBootstrap, blockBootstrap, blockLength, type Interval } from "./bootstrap.js";
import { likeliest, type Probabilities } from "./losses.js";
import { momentsOf } from "./sharpe.js";

/** What answers are traded on: rows in time order. */
export interface TradableRows {
  /** (N) increasing: when a row's answer is known. Microseconds. */
  timestamps: Float64Array;
  /** (N) when a position entered at the row is left. */
  labelEnds: Float64Array;
  /** (N) simple returns of a long position, from its entry to its exit, before costs; NaN where unknown: not entered. */
  returns: Float32Array | Float64Array;
  /** (N) what a round trip costs, as a return, NaN where unknown: not entered; null where no costs are known at all. */
  costs: Float64Array | null;
  sessions: TradingSessions;
}

/** The exchange's sessions from that of the first row to the last in which something may happen, numbered from 0. */
export interface TradingSessions {
  /** (N) of each row, and of its exit. */
  entry: Int32Array;
  exit: Int32Array;
  count: number;
  /** Sessions a year. */
  perYear: number;
}

/** One backtest. Returns are fractions of the price at entry, and are added, not compounded. */
export interface TradingFigures {
  trades: number;
  /** Trades a session. */
  turnover: number;
  /** Share of the rows at which a position is held. */
  exposure: number;
  /** Share of trades that gain; null, as the means, where there is no trade. */
  hitRate: number | null;
  meanGross: number | null;
  /** Null, as all that is net, where no costs are known. */
  meanNet: number | null;
  totalGross: number;
  totalNet: number | null;
  /** Mean over standard deviation of the sessions' results × √(sessions a year); null where they do not vary. */
  sharpe: number | null;
  /** Of the sessions' results: third and fourth standardised moment (3 for a normal distribution); null as `sharpe`. */
  skew: number | null;
  kurtosis: number | null;
  /** Largest fall of the cumulated sessions' results from their highest, the start included. */
  maxDrawdown: number;
}

/** A backtest and what each session gave: net where costs are known, else gross. */
export interface Backtest {
  figures: TradingFigures;
  /** (sessions) 0 for one without an exit. */
  sessionResults: Float64Array;
}

/**
 * A round trip's cost as a return, by the price at entry: two sides of commission and slippage over the contract's worth.
 *
 * @param prices (N) unadjusted. A price that is missing, not above 0, or so small that the cost is beyond a 32-bit float, as
 * returns are, gives NaN.
 */
export function roundTripCosts(
  { tickSize, tickValue, commission, slippageTicks }: Costs,
  prices: Float64Array,
): Float64Array {
  const money = 2 * (commission + slippageTicks * tickValue);
  return prices.map((price) => {
    const cost = money / ((tickValue / tickSize) * price);
    return price > 0 && Number.isFinite(Math.fround(cost)) ? cost : Number.NaN;
  });
}

/**
 * Trades one position at a time: while flat, the likeliest class −1 or 1 is entered and left at its label's end; what is answered
 * until then is passed over.
 *
 *   answers    1   1  −1   0  −1   1
 *   position   ├──────────┤   ├──────┤      the second row and the third are passed over
 *
 * A trade's result belongs to the session of its exit.
 *
 * @param p (N, 3).
 */
export function backtest(rows: TradableRows, p: Probabilities): Backtest {
  const { timestamps, labelEnds, returns, costs, sessions } = rows;
  checkRows(rows, p);
  const sessionResults = new Float64Array(sessions.count);
  let [trades, wins, held, gross, paid] = [0, 0, 0, 0, 0];
  let until = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < timestamps.length; t++) {
    // A position is still held at the row at which it is left: the next is entered there, at the same moment.
    if (timestamps[t]! <= until) held++;
    if (timestamps[t]! < until) continue;
    const direction = likeliest(p, t) - 1;
    const cost = costs === null ? 0 : costs[t]!;
    const result = direction * returns[t]!;
    if (direction === 0 || Number.isNaN(result) || Number.isNaN(cost)) continue;
    until = labelEnds[t]!;
    trades++;
    gross += result;
    paid += cost;
    if (result - cost > 0) wins++;
    sessionResults[sessions.exit[t]!]! += result - cost;
  }
  const { mean, deviation, skew, kurtosis } = momentsOf(sessionResults);
  const average = (sum: number): number | null => (trades === 0 ? null : sum / trades);
  return {
    sessionResults,
    figures: {
      trades,
      turnover: trades / sessions.count,
      exposure: held / timestamps.length,
      hitRate: average(wins),
      meanGross: average(gross),
      meanNet: costs === null ? null : average(gross - paid),
      totalGross: gross,
      totalNet: costs === null ? null : gross - paid,
      sharpe: deviation === null ? null : (mean / deviation) * Math.sqrt(sessions.perYear),
      skew,
      kurtosis,
      maxDrawdown: drawdownOf(sessionResults),
    },
  };
}

/** Backtests of several whole sets of answers: the seeds, the paths of a CPCV. */
export interface TradingEvaluation {
  repeats: TradingFigures[];
  /** Of each figure, over the repeats that have it. */
  mean: TradingFigures;
  sessions: number;
  /** (sessions) Means over the repeats. */
  sessionResults: Float64Array;
  /** 95 % block-bootstrap interval of a session's mean result; null where nothing was traded. */
  sessionInterval: Interval | null;
  bootstrap: BlockBootstrap;
}

/** A session counts once, by the mean of its repeats, as a row does in `evaluateRepeats`. Blocks are of sessions. */
export function evaluateTrading(
  rows: TradableRows,
  repeats: readonly Probabilities[],
  { seed }: { seed: number },
): TradingEvaluation {
  const tests = repeats.map((p) => backtest(rows, p));
  const { entry, exit, count } = rows.sessions;
  const sessionResults = new Float64Array(count).map(
    (_, s) => tests.reduce((sum, test) => sum + test.sessionResults[s]!, 0) / tests.length,
  );
  const durations = exit.map((session, i) => session - entry[i]!);
  const { intervals, bootstrap } = blockBootstrap({ sessionResults }, { block: blockLength(durations, count), seed });
  const figures = tests.map((test) => test.figures);
  return {
    repeats: figures,
    mean: meanFigures(figures),
    sessions: count,
    sessionResults,
    sessionInterval: figures.some(({ trades }) => trades > 0) ? intervals.sessionResults : null,
    bootstrap,
  };
}

function meanFigures(figures: readonly TradingFigures[]): TradingFigures {
  const some = (of: (each: TradingFigures) => number | null): number | null => {
    const values = figures.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const every = (of: (each: TradingFigures) => number): number => some(of) ?? 0;
  return {
    trades: every((f) => f.trades),
    turnover: every((f) => f.turnover),
    exposure: every((f) => f.exposure),
    hitRate: some((f) => f.hitRate),
    meanGross: some((f) => f.meanGross),
    meanNet: some((f) => f.meanNet),
    totalGross: every((f) => f.totalGross),
    totalNet: some((f) => f.totalNet),
    sharpe: some((f) => f.sharpe),
    skew: some((f) => f.skew),
    kurtosis: some((f) => f.kurtosis),
    maxDrawdown: every((f) => f.maxDrawdown),
  };
}

function drawdownOf(results: Float64Array): number {
  let [sum, high, fall] = [0, 0, 0];
  for (const result of results) {
    sum += result;
    high = Math.max(high, sum);
    fall = Math.max(fall, high - sum);
  }
  return fall;
}

function checkRows({ timestamps, labelEnds, returns, costs, sessions }: TradableRows, p: Probabilities): void {
  const n = timestamps.length;
  const lengths = [labelEnds, returns, costs ?? labelEnds, sessions.entry, sessions.exit].map(({ length }) => length);
  if (n > 0 && sessions.count > 0 && p.length === 3 * n && lengths.every((length) => length === n)) return;
  throw new FoldwiseError(
    "data.shape_mismatch",
    `Got ${p.length} probabilities and ${lengths.join(", ")} values for ${n} rows.`,
    {
      remedy: "Give one value a row, three probabilities, and at least one row and session.",
    },
  );
}
