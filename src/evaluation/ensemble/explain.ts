import { type Probabilities, rowLogLosses, weightedMean } from "../losses.js";
import { momentsOf } from "../sharpe.js";
import { type BaseAnswers, checkLabelledBases } from "./bases.js";

/**
 * How alike the bases' errors are: Pearson's correlation of their log-losses, row by row. What an ensemble can gain lies in
 * bases whose errors differ.
 *
 * @param y (N) in −1, 0, 1.
 * @param bases (B ≥ 2) of (N, 3) each.
 * @returns (B, B), symmetric, 1 on the diagonal; null beside a base whose losses do not vary.
 * @throws FoldwiseError what `checkLabelledBases` throws.
 */
export function errorCorrelation(y: Int8Array, bases: readonly BaseAnswers[]): (number | null)[][] {
  checkLabelledBases(y, bases);
  const scaled = bases.map(({ p }) => standardised(rowLogLosses(y, p)));
  return scaled.map((a, i) =>
    scaled.map((b, j) => {
      if (a === null || b === null) return null;
      return i === j ? 1 : correlation(a, b);
    }),
  );
}

export interface LeftOut {
  name: string;
  /** Mean log-loss without this base. Nats. */
  logLoss: number;
  /** By how much that is above the loss with all bases: what the base adds; below zero it does harm. Nats. */
  adds: number;
}

export interface LeaveOneOut {
  /** Mean log-loss with all bases. Nats. */
  logLoss: number;
  /** In the order of the bases. */
  without: LeftOut[];
}

/**
 * What each base adds: the ensemble is made again without it, and scored on the same rows.
 *
 * @param y (N) in −1, 0, 1.
 * @param bases (B ≥ 2) of (N, 3) each.
 * @param combine Makes (N, 3) of some of the bases, in their order. What it fits must not be fitted on the rows it answers:
 *   use `crossFitted` inside. Of a single base (where B = 2) it is not asked: that base then answers by itself.
 * @throws FoldwiseError what `checkLabelledBases` and `combine` throw.
 */
export function leaveOneOut(
  y: Int8Array,
  bases: readonly BaseAnswers[],
  combine: (some: readonly BaseAnswers[]) => Probabilities,
): LeaveOneOut {
  checkLabelledBases(y, bases);
  const lossOf = (some: readonly BaseAnswers[]): number =>
    weightedMean(rowLogLosses(y, some.length === 1 ? some[0]!.p : combine(some)));
  const all = lossOf(bases);
  const without = bases.map(({ name }, left) => {
    const logLoss = lossOf(bases.filter((_, b) => b !== left));
    return { name, logLoss, adds: logLoss - all };
  });
  return { logLoss: all, without };
}

/** Mean 0 and sum of squares 1; null where nothing varies. */
function standardised(values: Float64Array): Float64Array | null {
  const { mean, deviation } = momentsOf(values);
  if (deviation === null) return null;
  const scale = deviation * Math.sqrt(values.length - 1);
  return values.map((value) => (value - mean) / scale);
}

function correlation(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.min(Math.max(sum, -1), 1);
}
