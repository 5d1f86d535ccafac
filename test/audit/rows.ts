import type { AuditRows } from "../../src/audit/subject.js";
import { NO_LABEL, type Random, seededRandom } from "../../src/types/index.js";

export const STEP = 300_000_000;

export interface Made {
  n: number;
  horizon?: number;
  /** Columns by name, (n) each. */
  features: Record<string, ArrayLike<number>>;
  price?: Float64Array;
  y?: Int8Array;
  /** (n) bars from the row to its label's end; the horizon where left out. */
  durations?: ArrayLike<number>;
  returns?: Float32Array;
  ends?: "given" | "derived";
}

/** Rows in memory, five minutes apart, with one horizon; the last rows have no label. */
export function rowsOf({ n, horizon = 5, features, price, y, durations, returns, ends = "given" }: Made): AuditRows {
  const names = Object.keys(features);
  const timestamps = Float64Array.from({ length: n }, (_, row) => row * STEP);
  const labels = Int8Array.from({ length: n }, (_, row) => (row + horizon >= n ? NO_LABEL : (y?.[row] ?? 0)));
  const labelEnds = timestamps.map((stamp, row) =>
    labels[row] === NO_LABEL ? Number.NaN : stamp + (durations?.[row] ?? horizon) * STEP,
  );
  return {
    symbol: "X",
    rows: n,
    features: names,
    horizons: [horizon],
    timestamps,
    piece: new Int32Array(n),
    labels: () => labels,
    labelEnds: () => labelEnds,
    ends: () => ends,
    returns: () => returns ?? null,
    price: price === undefined ? null : { values: price, name: "close" },
    read: async (from, to) =>
      Float32Array.from({ length: (to - from) * names.length }, (_, i) => {
        const name = names[i % names.length]!;
        return features[name]![from + Math.floor(i / names.length)]!;
      }),
    pipeline: null,
    parts: null,
  };
}

export const range = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to - from }, (_, i) => from + i);

export const noise = (n: number, random: Random): Float64Array =>
  Float64Array.from({ length: n }, () => random.normal());

/** A market without memory, and two features of its past: the last return, and a slow average of returns with noise. */
export function market(
  n: number,
  seed = 1,
): { price: Float64Array; last: Float64Array; slow: Float64Array; returns: Float64Array } {
  const random = seededRandom(seed);
  const returns = noise(n, random).map((value) => 0.001 * value);
  let [level, average] = [100, 0];
  const price = returns.map((value) => {
    level *= Math.exp(value);
    return level;
  });
  const slow = returns.map((value) => {
    average += 0.05 * (value - average);
    return average;
  });
  return { price, returns, last: returns.map((value) => value + 0.0005 * random.normal()), slow };
}

/** Each value one row earlier: what a careless shift makes. */
export const movedUp = (values: Float64Array): Float64Array =>
  values.map((_, row) => values[Math.min(row + 1, values.length - 1)]!);
