import { CLASS_COUNT, CLASSES, FoldwiseError, type Label } from "../types/index.js";

/** Probabilities of −1, 0, 1. */
export type ClassShares = [number, number, number];

/** The prior-only baseline: the unweighted class shares of the training rows, which it gives to every row. */
export function priorOf(yTrain: Int8Array): ClassShares {
  if (yTrain.length === 0) {
    throw new FoldwiseError("data.no_rows", "There is no training row to take class shares from.", {
      remedy: "Check what purging and the embargo left of the training part.",
    });
  }
  const shares = classCounts(yTrain);
  return [shares[0] / yTrain.length, shares[1] / yTrain.length, shares[2] / yTrain.length];
}

/** Rows of each class, order −1, 0, 1. */
export function classCounts(y: Int8Array): [number, number, number] {
  const counts: [number, number, number] = [0, 0, 0];
  for (const label of y) counts[(label + 1) as 0 | 1 | 2]++;
  return counts;
}

/** The classes that occur in `y`, ascending. */
export function classesIn(y: Int8Array): Label[] {
  const counts = classCounts(y);
  return CLASSES.filter((_, k) => counts[k]! > 0);
}

/** (N, 3): the prior as the prediction of `n` rows. */
export function constantProbabilities(prior: ClassShares, n: number): Float64Array {
  return new Float64Array(n * CLASS_COUNT).map((_, i) => prior[(i % CLASS_COUNT) as 0 | 1 | 2]);
}
