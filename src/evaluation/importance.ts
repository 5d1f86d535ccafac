import { FoldwiseError, seededRandom, throwIfAborted } from "../types/index.js";
import { type Probabilities, rowLogLosses, weightedMean } from "./losses.js";

export const IMPORTANCE_ROWS = 2_000;

export interface ImportanceSample {
  /** (N, F) row-major; windows (N, T, F) for sequence models. */
  X: Float32Array;
  /** Rows of a window, T; left out or null for tabular models. */
  seqLen?: number | null;
  /** (N) in −1, 0, 1. */
  y: Int8Array;
  features: readonly string[];
}

/**
 * Permutation importance (Breiman, 2001): by how many nats the log-loss rises when one feature's values are shuffled among the
 * rows, which keeps its distribution and breaks its bond to the label. Of windows a feature's whole series is exchanged for another window's,
 * so that each stays a series that may have been. Negative values (noise) are kept as they are.
 * One shuffle, the same for every feature, so features are compared on the same footing and equal columns get equal figures.
 * Costs F + 1 predictions of N rows; keep N ≤ `IMPORTANCE_ROWS` (see `sampleRows`).
 */
export async function permutationImportance(
  sample: ImportanceSample,
  predict: (X: Float32Array, rows: number) => Promise<Probabilities>,
  options: { seed: number; signal?: AbortSignal },
): Promise<Record<string, number>> {
  const { X, y, features, seqLen = null } = sample;
  const n = y.length;
  const width = features.length;
  const size = (seqLen ?? 1) * width;
  if (n === 0 || X.length !== n * size) {
    const what = seqLen === null ? "rows" : `windows of ${seqLen} bars`;
    throw new FoldwiseError("data.shape_mismatch", `Got ${X.length} values for ${n} ${what} of ${width} features.`, {
      remedy: "Give row-major values of at least one row.",
    });
  }
  const loss = async (): Promise<number> => weightedMean(rowLogLosses(y, await predict(work, n)));
  const work = Float32Array.from(X);
  const order = permutation(n, options.seed);
  const base = await loss();
  const importance: Record<string, number> = {};
  for (let f = 0; f < width; f++) {
    throwIfAborted(options.signal);
    for (let i = 0; i < n; i++) {
      for (let at = f; at < size; at += width) work[i * size + at] = X[order[i]! * size + at]!;
    }
    importance[features[f]!] = (await loss()) - base;
    for (let at = f; at < work.length; at += width) work[at] = X[at]!;
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
