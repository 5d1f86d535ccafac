import { type BlockBootstrap, blockBootstrap, blockLength, type Interval } from "./bootstrap.js";
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
  const difference = loss.map((value, i) => value - other[i]!);
  const { intervals, bootstrap } = blockBootstrap({ difference }, { block: blockLength(durations, loss.length), seed });
  const interval = intervals.difference;
  return {
    difference: weightedMean(difference),
    interval,
    bootstrap,
    verdict: verdictOf({ interval, blocks: bootstrap.blocks }),
  };
}
