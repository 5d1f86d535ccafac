import { CLASS_COUNT, CLASSES, FoldwiseError, type Label } from "../../types/index.js";
import { type BlockBootstrap, blockBootstrap, blockLength, type Interval } from "../bootstrap.js";
import { checkLabels, checkLength, checkLevel, rowsOf } from "./checks.js";

/** The sets of labelled rows, in time order. */
export interface CoveredRows {
  /** (N) in −1, 0, 1. */
  y: Int8Array;
  /** (N, 3) of 0 and 1. */
  sets: Uint8Array;
  /** (N) label durations in bars. */
  durations: ArrayLike<number>;
}

export interface CoverageOptions {
  /** What was promised: share of rows whose set holds the true class. */
  level: number;
  seed: number;
  /** Consecutive slices of the rows, 10 by default; no more than rows. */
  slices?: number;
}

/** What sets were to cover and what they did. Plain JSON; all but sizes are shares. */
export interface CoverageReport {
  /** The promise. */
  level: number;
  rows: number;
  /** Of all rows, those whose set holds the true class. */
  coverage: number;
  /** 95 % block-bootstrap interval of it. */
  interval: Interval;
  bootstrap: BlockBootstrap;
  /** Coverage over time: rows `start` (inclusive) to `end` (exclusive). */
  slices: { start: number; end: number; coverage: number }[];
  /** In the order −1, 0, 1; null for a class without a row. Promised of `class_conditional` sets only. */
  byClass: { label: Label; rows: number; coverage: number | null }[];
  /** Mean number of classes in a set. */
  meanSize: number;
  emptyShare: number;
  singleShare: number;
  /**
   * Of the rows with a single class in their set, those where it is the true one; null where there is none. Nothing is promised of
   * it: sets that are small are wrong more often than all are.
   */
  singleCoverage: number | null;
}

/**
 * Coverage of prediction sets beside what was promised, overall and over time.
 *
 * @throws FoldwiseError `usage.conformal_level`, `usage.coverage_slices`, `data.no_rows`, `data.shape_mismatch`, `data.bad_label`.
 */
export function coverageReport({ y, sets, durations }: CoveredRows, options: CoverageOptions): CoverageReport {
  const { level, seed, slices = 10 } = options;
  const n = rowsOf("prediction sets", sets);
  checkLevel(level);
  checkLength("labels", y, n);
  checkLength("durations", durations, n);
  checkLabels(y, { unlabelled: "refused" });
  if (!(Number.isInteger(slices) && slices >= 1)) {
    throw new FoldwiseError("usage.coverage_slices", `Got ${slices} slices of the rows.`, {
      remedy: "Give a whole number of slices, at least 1.",
    });
  }
  const covered = new Float64Array(n);
  const size = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    covered[i] = sets[CLASS_COUNT * i + y[i]! + 1]!;
    for (let k = 0; k < CLASS_COUNT; k++) size[i]! += sets[CLASS_COUNT * i + k]!;
  }
  const block = blockLength(durations, n);
  const { intervals, bootstrap } = blockBootstrap({ covered }, { block, seed });
  const single = covered.filter((_, i) => size[i] === 1);
  return {
    level,
    rows: n,
    coverage: mean(covered),
    interval: { lower: Math.max(intervals.covered.lower, 0), upper: Math.min(intervals.covered.upper, 1) },
    bootstrap,
    slices: slicesOf(n, slices).map((slice) => ({
      ...slice,
      coverage: mean(covered.subarray(slice.start, slice.end)),
    })),
    byClass: CLASSES.map((label) => {
      const own = covered.filter((_, i) => y[i] === label);
      return { label, rows: own.length, coverage: own.length === 0 ? null : mean(own) };
    }),
    meanSize: mean(size),
    emptyShare: size.filter((classes) => classes === 0).length / n,
    singleShare: single.length / n,
    singleCoverage: single.length === 0 ? null : mean(single),
  };
}

/** `n` rows in `count` runs whose lengths differ by one at most. */
function slicesOf(n: number, count: number): { start: number; end: number }[] {
  const slices = Math.min(count, n);
  const border = (s: number): number => Math.floor((s * n) / slices);
  return Array.from({ length: slices }, (_, s) => ({ start: border(s), end: border(s + 1) }));
}

function mean(values: Float64Array | Uint8Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
