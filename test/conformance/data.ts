import type { FeatureArray } from "../../src/types/index.js";
import { seededRandom } from "../../src/types/index.js";

export interface Sample {
  X: FeatureArray;
  y: Int8Array;
}

export interface SampleOptions {
  rows: number;
  seed: number;
  /** Labels that occur; all three by default. */
  classes?: readonly (-1 | 0 | 1)[];
  /** Every fifth value of column 2 is missing. */
  missing?: boolean;
}

export const FEATURES = ["trend", "noise_1", "gappy", "constant", "all_missing", "noise_2", "interaction", "scale"];

/**
 * Rows with a signal that a linear model and a tree both find: the label follows `trend`, with noise. Among the columns are a
 * constant one, one that is always missing, one of a large scale, and, on request, one with holes.
 */
export function sample({ rows, seed, classes = [-1, 0, 1], missing = true }: SampleOptions): Sample {
  const random = seededRandom(seed);
  const F = FEATURES.length;
  const data = new Float32Array(rows * F);
  const y = new Int8Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const trend = random.normal();
    const interaction = random.normal();
    const values = [
      trend,
      random.normal(),
      random.normal(),
      3,
      Number.NaN,
      random.normal(),
      interaction,
      1e4 * random.normal(),
    ];
    if (missing && row % 5 === 0) values[2] = Number.NaN;
    data.set(values, row * F);
    const score = 1.2 * trend + 0.6 * random.normal();
    const wanted = score < -0.6 ? -1 : score > 0.6 ? 1 : 0;
    y[row] = classes.includes(wanted) ? wanted : classes[row % classes.length]!;
  }
  return { X: { data, shape: [rows, F], featureNames: FEATURES }, y };
}

/** The same rows with their columns in another order, names included. */
export function permuted(X: FeatureArray): FeatureArray {
  const F = X.featureNames.length;
  const order = X.featureNames.map((_, column) => F - 1 - column);
  const data = X.data.map((_, i) => X.data[Math.floor(i / F) * F + order[i % F]!]!);
  return { data, shape: X.shape, featureNames: order.map((column) => X.featureNames[column]!) };
}

/** The first `rows` rows. */
export function head({ X, y }: Sample, rows: number): Sample {
  const F = X.featureNames.length;
  return { X: { ...X, data: X.data.slice(0, rows * F), shape: [rows, F] }, y: y.slice(0, rows) };
}
