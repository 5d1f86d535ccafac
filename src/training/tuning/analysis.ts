import {
  backtest,
  blockLength,
  constantProbabilities,
  deflatedSharpe,
  effectiveTrials,
  type Probabilities,
  pairedDifference,
  priorOf,
  probabilityOfOverfitting,
  rowBriers,
  rowHits,
  rowLogLosses,
} from "../../evaluation/index.js";
import type { TradingInput, TuningReport } from "../../report/index.js";
import type { TestedRows } from "../cv/repeats.js";
import type { Objective, TuningMetric } from "./objective.js";

/** A trial with its out-of-fold answers. */
export interface ScoredTrial {
  slot: number;
  scored: Pick<TestedRows, "y" | "repeats" | "durations">;
}

type Basis = NonNullable<TuningReport["gain"]>["basis"];

/** What a choice by this metric is judged by: a mean over rows or sessions, which has an interval and can be cut into blocks. */
export const basisOf = (metric: TuningMetric): Basis =>
  metric === "sharpe" ? "sessions" : metric === "brier" ? "brier" : metric === "accuracy" ? "accuracy" : "log_loss";

/** (N rows, or sessions) of a trial; above is better. A mean over its repeats. */
function resultsOf({ scored }: ScoredTrial, basis: Basis, trading: TradingInput | { reason: string }): Float64Array {
  const { y, repeats } = scored;
  const series = repeats.map(({ p }) => resultsOfOne(y, p, basis, trading));
  return series[0]!.map((_, i) => series.reduce((sum, each) => sum + each[i]!, 0) / series.length);
}

function resultsOfOne(
  y: Int8Array,
  p: Probabilities,
  basis: Basis,
  trading: TradingInput | { reason: string },
): Float64Array {
  switch (basis) {
    case "sessions":
      if ("reason" in trading) throw new Error("the answers cannot be traded");
      return backtest(trading, p).sessionResults;
    case "accuracy":
      return rowHits(y, p);
    case "brier":
      return rowBriers(y, p).map((loss) => -loss);
    case "log_loss":
      return rowLogLosses(y, p).map((loss) => -loss);
  }
}

/** Sessions that depend on one another last about a week; rows as long as labels do. */
const SESSIONS_BLOCK = 5;

const blockOf = ({ scored }: ScoredTrial, basis: Basis, n: number): number =>
  basis === "sessions" ? Math.max(SESSIONS_BLOCK, Math.ceil(Math.cbrt(n))) : blockLength(scored.durations, n);

/** The best trial beside the defaults, row by row or session by session. */
export function gainOf(
  best: ScoredTrial,
  own: ScoredTrial,
  { metric, trading, seed }: { metric: TuningMetric; trading: TradingInput | { reason: string }; seed: number },
): NonNullable<TuningReport["gain"]> {
  const basis = basisOf(metric);
  const [first, second] = [best, own].map((trial) => resultsOf(trial, basis, trading)) as [Float64Array, Float64Array];
  const lossy = basis === "log_loss" || basis === "brier";
  const sign = lossy ? -1 : 1;
  const signed = (values: Float64Array): Float64Array => values.map((value) => sign * value);
  const { difference, interval, bootstrap } = pairedDifference(signed(first), signed(second), {
    block: blockOf(best, basis, first.length),
    seed,
  });
  return {
    basis,
    difference,
    interval: [interval.lower, interval.upper],
    // Of so few blocks nothing can be concluded.
    shown: !bootstrap.unreliable && (lossy ? interval.upper < 0 : interval.lower > 0),
    bootstrap,
  };
}

export interface SelectionOfTrials {
  overfitting: TuningReport["overfitting"];
  no_overfitting_because: string | null;
  trials_effective: number;
  deflated_sharpe: TuningReport["deflated_sharpe"];
  no_deflated_sharpe_because: string | null;
}

/** What choosing the best among many does to its figures. */
export function selectionOf(
  trials: readonly ScoredTrial[],
  {
    best,
    finished,
    pruned,
    unknown,
    objective: { metric },
    trading,
  }: {
    /** Slot of the chosen one. */
    best: number;
    /** Slots of pruned trials that were finished for this. */
    finished: ReadonlySet<number>;
    /** Pruned trials that were not. */
    pruned: number;
    /** Trials that were begun, but whose results are not known: those, and others whose answers are not kept. */
    unknown: number;
    objective: Objective;
    trading: TradingInput | { reason: string };
  },
): SelectionOfTrials {
  const basis = basisOf(metric);
  const results = blocked(trials, basis, trading);
  const score = basis === "sessions" ? "sharpe" : "mean";
  const overfitting =
    trials.length < 2
      ? null
      : probabilityOfOverfitting(results, { score, shortest: basis === "sessions" ? SESSIONS_BLOCK : 1 });
  const effective = effectiveTrials(results).effective + unknown;
  return {
    overfitting:
      overfitting === null
        ? null
        : {
            probability: overfitting.pbo,
            basis: basis === "sessions" ? "Sharpe ratio of the sessions" : basis.replace("_", "-"),
            compared: trials.length,
            pruned_finished: finished.size,
            survivors_only: pruned > 0,
            splits: overfitting.splits,
            blocks: overfitting.blocks,
          },
    no_overfitting_because:
      overfitting !== null
        ? null
        : trials.length < 2
          ? "the answers of fewer than two trials are known"
          : "too few blocks of rows or sessions",
    trials_effective: effective,
    ...deflatedOf(trials, { best, effective, trading }),
  };
}

/** (trials) of (blocks): means over blocks of rows; sessions as they are. */
function blocked(
  trials: readonly ScoredTrial[],
  basis: Basis,
  trading: TradingInput | { reason: string },
): Float64Array[] {
  const series = trials.map((trial) => resultsOf(trial, basis, trading));
  if (basis === "sessions") return series;
  const n = series[0]!.length;
  // What every row's class shares find hard, too, would make any two trials alike.
  const { y } = trials[0]!.scored;
  const p = constantProbabilities(priorOf(y), n);
  const shares = resultsOf({ slot: -1, scored: { ...trials[0]!.scored, repeats: [{ p, prior: p }] } }, basis, trading);
  const length = Math.min(n, blockOf(trials[0]!, basis, n));
  const blocks = Math.floor(n / length);
  const means = series.map((values) => {
    const own = new Float64Array(blocks);
    for (let i = 0; i < blocks * length; i++) own[Math.floor(i / length)]! += (values[i]! - shares[i]!) / length;
    return own;
  });
  return means;
}

function deflatedOf(
  trials: readonly ScoredTrial[],
  { best, effective, trading }: { best: number; effective: number; trading: TradingInput | { reason: string } },
): Pick<SelectionOfTrials, "deflated_sharpe" | "no_deflated_sharpe_because"> {
  if ("reason" in trading)
    return { deflated_sharpe: null, no_deflated_sharpe_because: trading.reason.replace(/\.$/, "") };
  const sessions = trials.map((trial) => resultsOf(trial, "sessions", trading));
  const chosen = trials.findIndex(({ slot }) => slot === best);
  const deflated = deflatedSharpe(sessions, effective, chosen);
  if (deflated === null)
    return { deflated_sharpe: null, no_deflated_sharpe_because: "the best trial's answers are not traded" };
  return {
    deflated_sharpe: {
      probability: deflated.probability,
      sharpe: deflated.sharpe,
      expected: deflated.expected,
      sessions_per_year: trading.sessions.perYear,
    },
    no_deflated_sharpe_because: null,
  };
}
