import type { Timestamps } from "../types/index.js";

/** Whether the closed intervals [aStart, aEnd] and [bStart, bEnd] share a moment. */
export function overlaps(aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
  return aStart <= bEnd && bStart <= aEnd;
}

/**
 * Rows of `a` whose label interval [t, end] meets the interval of any row of `b`. O(|a| log |b| + |b|).
 *
 * @param timestamps (N), increasing.
 * @param ends (N), not before the row's own timestamp.
 * @param a Row numbers, any order.
 * @param b Row numbers, ascending.
 */
export function rowsMeeting(timestamps: Timestamps, ends: Timestamps, a: Int32Array, b: Int32Array): Int32Array {
  // A meets some B exactly when, among the B that start by A's end, the latest end is not before A's start.
  const latest = new Float64Array(b.length);
  let reach = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < b.length; i++) {
    reach = Math.max(reach, ends[b[i]!]!);
    latest[i] = reach;
  }
  return a.filter((row) => {
    const started = firstAfter(timestamps, b, ends[row]!);
    return started > 0 && latest[started - 1]! >= timestamps[row]!;
  });
}

/** Position of the first of `rows` (ascending) that is later than `time`. */
function firstAfter(timestamps: Timestamps, rows: Int32Array, time: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timestamps[rows[middle]!]! > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Splits rows of an earlier part by whether their labels are known before `time`, the first moment of the later part.
 *
 * A label that ends at that very moment goes too: the later part's first bar closes then.
 */
export function purgeBefore(rows: Int32Array, ends: Timestamps, time: number): { kept: Int32Array; purged: number } {
  const kept = new Int32Array(rows.length);
  let count = 0;
  for (const row of rows) if (ends[row]! < time) kept[count++] = row;
  return { kept: kept.slice(0, count), purged: rows.length - count };
}

/** (N) the latest of the label ends over all horizons; NaN where any horizon has none. */
export function latestEnds(labelEnds: readonly Timestamps[]): Timestamps {
  const latest = Float64Array.from(labelEnds[0] ?? []);
  for (const ends of labelEnds.slice(1)) {
    for (let t = 0; t < latest.length; t++) latest[t] = Math.max(latest[t]!, ends[t]!);
  }
  return latest;
}
