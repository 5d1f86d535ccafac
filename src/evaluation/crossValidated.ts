import { FoldwiseError } from "../types/index.js";
import { type BlockBootstrap, blockBootstrap, blockLength, type Interval } from "./bootstrap.js";
import { comparisonOf, differenceOf, type ModelComparison } from "./compare.js";
import { withinRange } from "./evaluate.js";
import { type Probabilities, rowHits, rowLogLosses, weightedMean } from "./losses.js";
import { type ClassificationMetrics, classificationMetrics } from "./metrics.js";
import { headLine, type PriorComparison, type Verdict, verdictOf } from "./verdict.js";

/** Rows that several sets of models answered, each set every row once: the seeds of a k-fold, the paths of a CPCV. */
export interface RepeatedRows {
  /** (N) in −1, 0, 1, in time order. */
  y: Int8Array;
  /** (N, 3) each, columns −1, 0, 1. */
  repeats: readonly RepeatedAnswers[];
  /** (N) average uniqueness of each label among these rows. */
  uniqueness: Float32Array | Float64Array;
  /** (N) label durations in bars. */
  durations: ArrayLike<number>;
  /** Further baselines on the same rows, by name. */
  baselines?: Readonly<Record<string, BaselineAnswers>>;
}

/** Of each row (N), means over the repeats. */
export interface BaselineAnswers {
  /** Log-losses of its probabilities. */
  loss: Float64Array;
  /** Shares of right guesses. */
  hits: Float64Array;
}

export interface BaselineScores {
  logLoss: number;
  accuracy: number;
  /** The model against it. */
  comparison: ModelComparison;
}

export interface RepeatedAnswers {
  p: Probabilities;
  /** What the class shares of each row's own training rows say of it. */
  prior: Probabilities;
}

export interface CrossValidatedEvaluation {
  rows: number;
  /** One a repeat. */
  metrics: ClassificationMetrics[];
  baseline: ClassificationMetrics[];
  /** 95 % block-bootstrap intervals of the means over the repeats. */
  intervals: { accuracy: Interval; logLoss: Interval };
  bootstrap: BlockBootstrap;
  comparison: PriorComparison;
  verdict: Verdict;
  headLine: string;
  baselines: Record<string, BaselineScores>;
}

/**
 * Scores out-of-fold answers. A row counts once, by the mean of its repeats' losses: repeats of one row are no new rows, so
 * they narrow no interval but by what chance of the seeds they average out.
 */
export function evaluateRepeats(rows: RepeatedRows, { seed }: { seed: number }): CrossValidatedEvaluation {
  const n = rows.y.length;
  if (rows.repeats.length === 0) {
    throw new FoldwiseError("data.no_rows", "There are no out-of-fold answers to score.", {
      remedy: "Fit a fold first.",
    });
  }
  const losses = rows.repeats.map(({ p }) => rowLogLosses(rows.y, p));
  const priors = rows.repeats.map(({ prior }) => rowLogLosses(rows.y, prior));
  const logLoss = meanOf(losses);
  const difference = meanOf(losses.map((loss, r) => differenceOf(loss, priors[r]!)));
  const accuracy = meanOf(rows.repeats.map(({ p }) => rowHits(rows.y, p)));
  const baselines = Object.entries(rows.baselines ?? {}).map(([name, { loss, hits }]) => ({
    name,
    loss,
    hits,
    difference: differenceOf(logLoss, loss),
  }));
  // One set of draws for all series: each gets the interval that it would get by itself.
  const { intervals, bootstrap } = blockBootstrap<string>(
    {
      accuracy,
      logLoss,
      difference,
      ...Object.fromEntries(baselines.map((each) => [`against ${each.name}`, each.difference])),
    },
    { block: blockLength(rows.durations, n), seed },
  );
  const interval = (name: string): Interval => intervals[name]!;
  let effectiveN = 0;
  for (const share of rows.uniqueness) effectiveN += share;
  const comparison: PriorComparison = {
    difference: weightedMean(difference),
    interval: interval("difference"),
    effectiveN,
    unreliable: bootstrap.unreliable,
    blocks: bootstrap.blocks,
  };
  return {
    rows: n,
    metrics: rows.repeats.map(({ p }) => classificationMetrics(rows.y, p)),
    baseline: rows.repeats.map(({ prior }) => classificationMetrics(rows.y, prior)),
    intervals: withinRange({ accuracy: interval("accuracy"), logLoss: interval("logLoss") }),
    bootstrap,
    comparison,
    verdict: verdictOf(comparison),
    headLine: headLine(comparison),
    baselines: Object.fromEntries(
      baselines.map((each) => [
        each.name,
        {
          logLoss: weightedMean(each.loss),
          accuracy: weightedMean(each.hits),
          comparison: comparisonOf(each.difference, interval(`against ${each.name}`), bootstrap),
        },
      ]),
    ),
  };
}

/** (N) the mean of series of one length, row by row. */
function meanOf(series: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array(0), ...others] = series;
  const mean = first.slice();
  for (const values of others) for (let i = 0; i < mean.length; i++) mean[i]! += values[i]!;
  for (let i = 0; i < mean.length; i++) mean[i]! /= series.length;
  return mean;
}

/** Mean, and its standard error where there are two values or more (they are not independent: folds share training rows). */
export interface MeanAndError {
  mean: number;
  standardError: number | null;
}

export function meanAndError(values: readonly number[]): MeanAndError {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, standardError: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n - 1) / n) };
}

/** The middle one; of an even number the lower of the two, so that a round is one that was the best of some fold. */
export function lowerMedian(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? null;
}
