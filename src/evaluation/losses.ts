import { CLASS_COUNT, FoldwiseError } from "../types/index.js";

/** (N, 3) row-major, columns −1, 0, 1. */
export type Probabilities = Float32Array | Float64Array;

/** Probabilities below this count as this in logarithms, so that one sure mistake costs 34.5 nats and not infinity. */
export const PROBABILITY_FLOOR = 1e-15;

/** How far a row of probabilities may be from 1: float32 softmax of any engine stays well within it. */
const SUM_TOLERANCE = 1e-4;

/**
 * Checks what every metric relies on: labels in −1, 0, 1 (N ≥ 1), probabilities (N, 3) finite, in [0, 1], rows summing to 1.
 * Throws `data.no_rows`, `data.bad_label`, `data.shape_mismatch` or `data.bad_probabilities`, with the row.
 */
export function checkScored(y: Int8Array, p: Probabilities): void {
  if (y.length === 0) {
    throw new FoldwiseError("data.no_rows", "There is no row to score.", {
      remedy: "Give at least one labelled row; check what purging and the embargo left of this part.",
    });
  }
  if (p.length !== y.length * CLASS_COUNT) {
    throw new FoldwiseError(
      "data.shape_mismatch",
      `Got ${p.length} probabilities for ${y.length} labels; expected ${y.length} × ${CLASS_COUNT}.`,
      { remedy: "Score the same rows that were predicted." },
    );
  }
  for (let i = 0; i < y.length; i++) {
    const label = y[i]!;
    if (label < -1 || label > 1) {
      throw new FoldwiseError("data.bad_label", `Row ${i} has the label ${label}; only −1, 0 and 1 can be scored.`, {
        remedy: "Leave context rows (those without a label) out of what is scored.",
        details: { row: i, got: label },
      });
    }
  }
  checkProbabilities(p);
}

/**
 * Checks that `p` is (N, 3), its rows finite, in [0, 1] and summing to 1.
 * Throws `data.shape_mismatch` or `data.bad_probabilities`, with the row.
 */
export function checkProbabilities(p: Probabilities): void {
  if (p.length % CLASS_COUNT !== 0) {
    throw new FoldwiseError(
      "data.shape_mismatch",
      `Got ${p.length} probabilities, which are no rows of ${CLASS_COUNT}.`,
      {
        remedy: "Give (N, 3) row-major probabilities of −1, 0, 1.",
      },
    );
  }
  for (let i = 0; i < p.length / CLASS_COUNT; i++) {
    checkDistribution(p, i);
  }
}

/**
 * Checks that row `i` of `p` (N, 3) is a distribution over −1, 0, 1: finite, in [0, 1], sum 1.
 * Throws `data.bad_probabilities`, which names the row, and the model where `of` does.
 */
export function checkDistribution(p: Probabilities, i: number, of?: string): void {
  const [a, b, c] = [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!];
  // The comparison is written so that NaN fails it.
  if (a >= 0 && b >= 0 && c >= 0 && Math.abs(a + b + c - 1) <= SUM_TOLERANCE) return;
  throw new FoldwiseError(
    "data.bad_probabilities",
    `Row ${i}${of === undefined ? "" : ` of ${of}`} has the probabilities ${a}, ${b}, ${c}; they must be ≥ 0 and sum to 1.`,
    {
      remedy: "Check the model that made them: its output must be a distribution over −1, 0, 1.",
      details: of === undefined ? { row: i } : { row: i, model: of },
    },
  );
}

/** Throws `data.shape_mismatch` or `data.bad_weight`, with the row. */
export function checkWeights(w: Float32Array | Float64Array, n: number): void {
  if (w.length !== n) {
    throw new FoldwiseError("data.shape_mismatch", `Got ${w.length} weights for ${n} rows.`, {
      remedy: "Give one weight a scored row.",
    });
  }
  const bad = w.findIndex((weight) => !(weight > 0 && weight < Number.POSITIVE_INFINITY));
  if (bad >= 0) {
    throw new FoldwiseError("data.bad_weight", `Row ${bad} has the weight ${w[bad]}; weights must be finite and > 0.`, {
      remedy: "Give positive weights, or none.",
      details: { row: bad },
    });
  }
}

/** The rows of `p` (N, 3) at these positions. (M, 3) */
export function rowsAt(p: Probabilities, rows: Int32Array): Float64Array {
  const taken = new Float64Array(CLASS_COUNT * rows.length);
  for (let j = 0; j < rows.length; j++) {
    for (let k = 0; k < CLASS_COUNT; k++) taken[CLASS_COUNT * j + k] = p[CLASS_COUNT * rows[j]! + k]!;
  }
  return taken;
}

/** −log of the probability given to what happened, a row; nats, clipped to [`PROBABILITY_FLOOR`, 1]. (N) */
export function rowLogLosses(y: Int8Array, p: Probabilities): Float64Array {
  const losses = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) {
    losses[i] = -Math.log(Math.min(Math.max(p[3 * i + y[i]! + 1]!, PROBABILITY_FLOOR), 1));
  }
  return losses;
}

/** The class index (0, 1, 2) of row `i`'s largest probability; the first in class order where several are equal. */
export function likeliest(p: Probabilities, i: number): 0 | 1 | 2 {
  const a = p[3 * i]!;
  const b = p[3 * i + 1]!;
  const c = p[3 * i + 2]!;
  if (a >= b && a >= c) return 0;
  return b >= c ? 1 : 2;
}

/** 1 where the likeliest class is the label, else 0. (N) */
export function rowHits(y: Int8Array, p: Probabilities): Float64Array {
  const hits = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) hits[i] = likeliest(p, i) === y[i]! + 1 ? 1 : 0;
  return hits;
}

/** Mean of `values`, weighted by `w` where given. */
export function weightedMean(values: Float64Array, w?: Float32Array | Float64Array): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = w === undefined ? 1 : w[i]!;
    sum += weight * values[i]!;
    total += weight;
  }
  return sum / total;
}
