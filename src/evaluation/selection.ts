import { effectiveTrials, type Overfitting, type OverfittingOptions, probabilityOfOverfitting } from "./overfitting.js";
import { expectedMaximumSharpe, momentsOf, probabilisticSharpe } from "./sharpe.js";

/** The best of several Sharpe ratios beside the best to be expected of as many that are worth nothing. Not annualised. */
export interface DeflatedSharpe {
  /** Number of the configuration. */
  best: number;
  sharpe: number;
  periods: number;
  skew: number;
  kurtosis: number;
  /** `expectedMaximumSharpe` of the trials. */
  expected: number;
  /** That the true ratio of the best lies above `expected`; null where its moments contradict one another. */
  probability: number | null;
}

/**
 * The deflated Sharpe ratio (Bailey and López de Prado, The Deflated Sharpe Ratio, 2014) of the best configuration. The variance
 * of the trials' ratios is that of those given, but at least 1 / (T − 1), which ratios of independent worthless trials have
 * over T periods: a few that are alike vary less, and would make many trials count as few.
 *
 * @param results (M ≥ 1) of (T) each, on the same periods.
 * @param trials Independent ones among which the best was chosen; need not be whole.
 * @param chosen Number of the one that was chosen by something else; the one with the largest ratio when absent.
 * @returns Null where no result, or none of the chosen one, varies: nothing was traded.
 */
export function deflatedSharpe(
  results: readonly Float64Array[],
  trials: number,
  chosen?: number,
): DeflatedSharpe | null {
  const moments = results.map(momentsOf);
  const ratios = moments.map(({ mean, deviation }) => (deviation === null ? null : mean / deviation));
  const known = ratios.filter((ratio) => ratio !== null);
  if (known.length === 0) return null;
  const best = chosen ?? ratios.indexOf(Math.max(...known));
  const sharpe = ratios[best] ?? null;
  if (sharpe === null) return null;
  const periods = results[best]!.length;
  const variance = Math.max((momentsOf(Float64Array.from(known)).deviation ?? 0) ** 2, 1 / (periods - 1));
  const expected = expectedMaximumSharpe(trials, variance);
  const estimated = { sharpe, periods, skew: moments[best]!.skew!, kurtosis: moments[best]!.kurtosis! };
  return { best, ...estimated, expected, probability: probabilisticSharpe(estimated, expected) };
}

export interface SelectionInput extends OverfittingOptions {
  /** (M ≥ 1 configurations) of (T ≥ 1) each: results of the same periods, in time order; above is better. */
  results: readonly Float64Array[];
  /** Further configurations, whose results are not known: each counts as one of its own. */
  others: number;
}

/** What the choice of one among several configurations does to the figures of the one that was chosen. */
export interface SelectionEvaluation {
  /** Configurations that were tried, and how many independent ones they are worth. */
  trials: number;
  effective: number;
  meanCorrelation: number | null;
  /** (M) as `score` says; null where nothing varies. */
  scores: (number | null)[];
  /** Null of one configuration, or of too few periods. */
  overfitting: Overfitting | null;
  /** Null with `score: "mean"`, or where nothing varies. */
  deflated: DeflatedSharpe | null;
}

export function evaluateSelection({ results, others, score, shortest }: SelectionInput): SelectionEvaluation {
  const { effective: own, meanCorrelation } = effectiveTrials(results);
  const effective = own + others;
  const scores = results.map((series) => {
    const { mean, deviation } = momentsOf(series);
    if (score === "mean") return mean;
    return deviation === null ? null : mean / deviation;
  });
  return {
    trials: results.length + others,
    effective,
    meanCorrelation,
    scores,
    overfitting: results.length < 2 ? null : probabilityOfOverfitting(results, { score, shortest }),
    deflated: score === "sharpe" ? deflatedSharpe(results, effective) : null,
  };
}
