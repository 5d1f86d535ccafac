import type { Timestamps } from "../types/index.js";

/**
 * The row at whose stamp each label's outcome is known: the first row at or after its end, at least the next row, at most N
 * (beyond the last row). −1 for context rows.
 *
 * @param timestamps (N), increasing.
 * @param ends (N), NaN for context rows.
 */
export function exitRows(timestamps: Timestamps, ends: Timestamps): Int32Array {
  const n = timestamps.length;
  const exits = new Int32Array(n);
  let guess = 0;
  for (let t = 0; t < n; t++) {
    const end = ends[t]!;
    if (Number.isNaN(end)) {
      exits[t] = -1;
      continue;
    }
    // Neighbouring labels end near one another, so walking from the last answer costs O(N) in all for labels of bounded length.
    if (guess <= t) guess = t + 1;
    while (guess > t + 1 && timestamps[guess - 1]! >= end) guess--;
    while (guess < n && timestamps[guess]! < end) guess++;
    exits[t] = guess;
  }
  return exits;
}

/** Bars from each of `rows` to the end of its label. */
export function labelDurations(timestamps: Timestamps, ends: Timestamps, rows: Int32Array): Int32Array {
  const exits = exitRows(timestamps, ends);
  return rows.map((row) => (exits[row]! < 0 ? 0 : exits[row]! - row));
}

/**
 * Average uniqueness of labels (López de Prado, Advances in Financial Machine Learning, 2018, ch. 4): the mean, over the bars
 * t+1 … exit whose returns decide a label, of 1 / (number of labels that the bar's return decides). O(N) by prefix sums.
 *
 *     label a  ├─────────┤             bars    1  1  2  2  1  1
 *     label b        ├─────────┤       a: mean(1, 1, ½, ½) = 0.75
 *
 * A label that ends before a border never depends on labels that start after it, so training weights see nothing of the future.
 *
 * @param timestamps (N), increasing.
 * @param ends (N), NaN for context rows.
 * @param rows Only these labels exist; all labelled rows by default.
 * @returns (N) in (0, 1]; 0 where there is no label or the row is not among `rows`.
 */
export function averageUniqueness(timestamps: Timestamps, ends: Timestamps, rows?: Int32Array): Float32Array {
  return uniquenessOf(exitRows(timestamps, ends), rows);
}

function uniquenessOf(exits: Int32Array, rows?: Int32Array): Float32Array {
  const n = exits.length;
  const chosen = rows ?? exits.map((_, t) => t);
  // Bar N stands for everything after the last row.
  const change = new Int32Array(n + 2);
  for (const t of chosen) {
    if (exits[t]! < 0) continue;
    change[t + 1]!++;
    change[exits[t]! + 1]!--;
  }
  const shares = new Float64Array(n + 2);
  let concurrent = 0;
  for (let bar = 0; bar <= n; bar++) {
    concurrent += change[bar]!;
    shares[bar + 1] = shares[bar]! + (concurrent > 0 ? 1 / concurrent : 0);
  }
  const uniqueness = new Float32Array(n);
  for (const t of chosen) {
    const exit = exits[t]!;
    if (exit >= 0) uniqueness[t] = (shares[exit + 1]! - shares[t + 1]!) / (exit - t);
  }
  return uniqueness;
}

/**
 * Factors that let old training rows count less (López de Prado, ch. 4.7): linear in cumulative uniqueness, near `oldest` for
 * the first of `rows`, 1 for the last and for every other row.
 *
 * @param uniqueness (N) as `averageUniqueness` gives it.
 * @param rows Ascending. Those whose labels are known before the training part ends: the total of the others' uniqueness would
 *   carry a trace of what comes after.
 * @param oldest In (0, 1]; 1 is no decay.
 */
export function timeDecay(uniqueness: Float32Array, rows: Int32Array, oldest: number): Float32Array {
  const factors = new Float32Array(uniqueness.length).fill(1);
  let total = 0;
  for (const t of rows) total += uniqueness[t]!;
  if (total === 0) return factors;
  let sum = 0;
  for (const t of rows) {
    sum += uniqueness[t]!;
    factors[t] = oldest + (1 - oldest) * (sum / total);
  }
  return factors;
}
