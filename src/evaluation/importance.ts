import { FoldwiseError, seededRandom, throwIfAborted } from "../types/index.js";
import { type Probabilities, rowLogLosses, weightedMean } from "./losses.js";

export const IMPORTANCE_ROWS = 2_000;

export interface ImportanceSample {
  /** (N, F) row-major; windows (N, steps, F) of a sequence model. */
  X: Float32Array;
  /** Rows of a window, whose values of a feature are shuffled together; 1 by default. */
  steps?: number;
  /** (N) in −1, 0, 1. */
  y: Int8Array;
  features: readonly string[];
}

/**
 * Permutation importance (Breiman, 2001): by how many nats the log-loss rises when one feature's values are shuffled among the
 * rows, which keeps its distribution and breaks its bond to the label. Negative values (noise) are kept as they are.
 * One shuffle, the same for every feature, so features are compared on the same footing and equal columns get equal figures.
 * Costs F + 1 predictions of N rows; keep N ≤ `IMPORTANCE_ROWS` (see `sampleRows`).
 */
export async function permutationImportance(
  sample: ImportanceSample,
  predict: (X: Float32Array, rows: number) => Promise<Probabilities>,
  options: { seed: number; signal?: AbortSignal },
): Promise<Record<string, number>> {
  const { X, y, features } = sample;
  const n = y.length;
  const F = features.length;
  const width = F * (sample.steps ?? 1);
  if (n === 0 || X.length !== n * width) {
    throw new FoldwiseError("data.shape_mismatch", `Got ${X.length} values for ${n} rows of ${width} values.`, {
      remedy: "Give row-major values of at least one row.",
    });
  }
  const loss = async (): Promise<number> => weightedMean(rowLogLosses(y, await predict(work, n)));
  const work = Float32Array.from(X);
  const order = permutation(n, options.seed);
  const base = await loss();
  const importance: Record<string, number> = {};
  for (let f = 0; f < F; f++) {
    throwIfAborted(options.signal);
    for (let i = 0; i < n; i++) {
      for (let at = f; at < width; at += F) work[i * width + at] = X[order[i]! * width + at]!;
    }
    importance[features[f]!] = (await loss()) - base;
    for (let i = 0; i < n; i++) for (let at = f; at < width; at += F) work[i * width + at] = X[i * width + at]!;
  }
  return importance;
}

/** At most `limit` of `rows`, chosen by `seed`, in their own order. */
export function sampleRows(rows: Int32Array, limit: number, seed: number): Int32Array {
  if (rows.length <= limit) return rows;
  const order = permutation(rows.length, seed);
  return Int32Array.from(order.slice(0, limit).sort(), (i) => rows[i]!);
}

/** Fisher–Yates. */
function permutation(n: number, seed: number): Int32Array {
  const random = seededRandom(seed);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.int(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
