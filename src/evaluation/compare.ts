import { type BlockBootstrap, blockBootstrap, blockLength, bootstrapOf, type Interval } from "./bootstrap.js";
import { weightedMean } from "./losses.js";
import { type Verdict, verdictOf } from "./verdict.js";

/** Two models on the same rows. */
export interface ModelComparison {
  /** Mean log-loss of the first minus that of the second; below zero the first is better. Nats. */
  difference: number;
  /** 95 % interval of the paired difference. */
  interval: Interval;
  bootstrap: BlockBootstrap;
  /** Is the first better? */
  verdict: Verdict;
}

/**
 * The paired difference of two models' losses on common rows, with the block bootstrap of every other figure: rows whose labels
 * overlap are drawn together, and both models by the same blocks.
 *
 * @param loss (N) log-losses of the first model, in time order; of several repeats, the mean of a row's.
 * @param other (N) those of the second on the same rows.
 * @param durations (N) label durations in rows.
 * @throws FoldwiseError `data.shape_mismatch` for series of two lengths, or of none.
 */
export function compareModels(
  loss: Float64Array,
  other: Float64Array,
  { durations, seed }: { durations: ArrayLike<number>; seed: number },
): ModelComparison {
  return pairedDifference(loss, other, { block: blockLength(durations, loss.length), seed });
}

/** The same of any two series whose lesser values are the better, in time order, by blocks of this length. */
export function pairedDifference(
  first: Float64Array,
  second: Float64Array,
  { block, seed }: { block: number; seed: number },
): ModelComparison {
  const difference = differenceOf(first, second);
  const { intervals, bootstrap } = blockBootstrap({ difference }, { block, seed });
  return comparisonOf(difference, intervals.difference, bootstrap);
}

/** What a bootstrap of a paired difference says, alone or among other series of the same rows. */
export function comparisonOf(difference: Float64Array, interval: Interval, bootstrap: BlockBootstrap): ModelComparison {
  const verdict = verdictOf({ interval, blocks: bootstrap.blocks });
  return { difference: weightedMean(difference), interval, bootstrap, verdict };
}

/** (N) row by row; below zero the first is better. */
export const differenceOf = (first: Float64Array, second: Float64Array): Float64Array =>
  first.map((value, i) => value - second[i]!);

/** Several models on the same rows, each beside the one with the least loss. */
export interface Standing {
  /** Number of the best-placed one. It was chosen on these rows, so that its lead is somewhat too large. */
  best: number;
  /** Each model minus the best-placed: above zero it is worse. Null for that one itself. Nats. */
  behind: ({ difference: number; interval: Interval; verdict: Verdict } | null)[];
  bootstrap: BlockBootstrap;
}

/**
 * @param losses (models ≥ 1) of (N) each, as `compareModels` takes them.
 * @returns With verdicts of the question: is it worse than the best-placed?
 */
export function againstBest(
  losses: readonly Float64Array[],
  { durations, seed }: { durations: ArrayLike<number>; seed: number },
): Standing {
  const means = losses.map((loss) => weightedMean(loss));
  const best = means.indexOf(Math.min(...means));
  const n = losses[best]!.length;
  const block = blockLength(durations, n);
  return {
    best,
    behind: losses.map((loss, m) => {
      if (m === best) return null;
      const { difference, interval, verdict } = pairedDifference(losses[best]!, loss, { block, seed });
      return { difference: -difference, interval: { lower: -interval.upper, upper: -interval.lower }, verdict };
    }),
    bootstrap: bootstrapOf(n, { block }),
  };
}
