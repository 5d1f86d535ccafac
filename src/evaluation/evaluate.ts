import { FoldwiseError, type Label } from "../types/index.js";
import { type BlockBootstrap, blockBootstrap, blockLength, type Interval } from "./bootstrap.js";
import { type Probabilities, rowHits, rowLogLosses, weightedMean } from "./losses.js";
import { type ClassificationMetrics, classificationMetrics, logLossOfTrained } from "./metrics.js";
import { type ClassShares, classCounts, constantProbabilities } from "./prior.js";
import { headLine, type PriorComparison, type Verdict, verdictOf } from "./verdict.js";

/** The rows of one part as a model answered them, in time order. */
export interface ScoredRows {
  /** (N) in −1, 0, 1. */
  y: Int8Array;
  /** (N, 3), columns −1, 0, 1. */
  p: Probabilities;
  /** (N) average uniqueness of each label among these rows, in (0, 1]. */
  uniqueness: Float32Array | Float64Array;
  /** (N) label durations in bars. */
  durations: ArrayLike<number>;
}

export interface EvaluationOptions {
  /** Unweighted class shares of the training rows. */
  prior: ClassShares;
  /** Classes that the training rows had. */
  trainedClasses: readonly Label[];
  seed: number;
  /** At least 2 000, the default. */
  resamples?: number;
}

/** Everything a report says about one part. */
export interface PartEvaluation {
  rows: number;
  /** Rows of −1, 0, 1. */
  classCounts: [number, number, number];
  /** Every row counts the same: the headline figures. */
  metrics: ClassificationMetrics;
  /** Rows count by the average uniqueness of their label. */
  weighted: ClassificationMetrics;
  /** Log-loss without the rows of classes that training lacked; equal to the headline's where it lacked none. */
  trainedClassesOnly: { logLoss: number | null; rowsLeftOut: number };
  /** The prior alone, on the same rows. */
  baseline: { metrics: ClassificationMetrics; weighted: ClassificationMetrics };
  /** 95 % block-bootstrap intervals. */
  intervals: { accuracy: Interval; logLoss: Interval };
  bootstrap: BlockBootstrap;
  comparison: PriorComparison;
  verdict: Verdict;
  headLine: string;
}

/** Scores one part's rows, the prior on the same rows, and how sure the difference is (design, section 7). */
export function evaluatePart(rows: ScoredRows, options: EvaluationOptions): PartEvaluation {
  const n = rows.y.length;
  for (const [name, length] of [
    ["uniqueness", rows.uniqueness.length],
    ["durations", rows.durations.length],
  ] as const) {
    if (length !== n) {
      throw new FoldwiseError("data.shape_mismatch", `Got ${length} values of ${name} for ${n} scored rows.`, {
        remedy: "Give one value a scored row.",
      });
    }
  }
  const metrics = classificationMetrics(rows.y, rows.p);
  const baseline = constantProbabilities(options.prior, n);
  const logLoss = rowLogLosses(rows.y, rows.p);
  const priorLoss = rowLogLosses(rows.y, baseline);
  const difference = logLoss.map((loss, i) => loss - priorLoss[i]!);
  const { intervals, bootstrap } = blockBootstrap(
    { accuracy: rowHits(rows.y, rows.p), logLoss, difference },
    {
      block: blockLength(rows.durations, n),
      seed: options.seed,
      ...(options.resamples === undefined ? {} : { resamples: options.resamples }),
    },
  );
  const comparison: PriorComparison = {
    difference: weightedMean(difference),
    interval: intervals.difference,
    effectiveN: sum(rows.uniqueness),
    unreliable: bootstrap.unreliable,
    blocks: bootstrap.blocks,
  };
  return {
    rows: n,
    classCounts: classCounts(rows.y),
    metrics,
    weighted: classificationMetrics(rows.y, rows.p, rows.uniqueness),
    trainedClassesOnly: logLossOfTrained(rows.y, rows.p, options.trainedClasses),
    baseline: {
      metrics: classificationMetrics(rows.y, baseline),
      weighted: classificationMetrics(rows.y, baseline, rows.uniqueness),
    },
    intervals: withinRange(intervals),
    bootstrap,
    comparison,
    verdict: verdictOf(comparison),
    headLine: headLine(comparison),
  };
}

/** What lies outside of what the figures can be is cut off. */
export function withinRange({
  accuracy,
  logLoss,
}: Record<"accuracy" | "logLoss", Interval>): PartEvaluation["intervals"] {
  return {
    accuracy: { lower: Math.max(accuracy.lower, 0), upper: Math.min(accuracy.upper, 1) },
    logLoss: { lower: Math.max(logLoss.lower, 0), upper: logLoss.upper },
  };
}

function sum(values: Float32Array | Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
