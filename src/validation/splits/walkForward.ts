import { FoldwiseError, type Timestamps } from "../../types/index.js";
import { purgeBefore } from "../intervals.js";
import type { Fold } from "./kFold.js";
import {
  type Block,
  MOST_SPLITS,
  type Prepared,
  prepareSplits,
  requireCount,
  requireTrain,
  type SplitInput,
} from "./split.js";

export const CALENDAR_PERIODS = ["day", "week", "month", "quarter", "year"] as const;
export type CalendarPeriod = (typeof CALENDAR_PERIODS)[number];

/** What is tested, step by step. */
export type WalkForwardSteps =
  /** So many test blocks at the end, each of n / (folds + 1) rows. */
  | { by: "folds"; folds: number }
  /** Blocks of `test` rows behind the first `train` rows; an incomplete last one is left out. */
  | { by: "rows"; train: number; test: number }
  /** Every calendar period (UTC) behind the first `train` of them that hold rows. */
  | { by: "calendar"; period: CalendarPeriod; train: number };

export interface WalkForwardOptions {
  steps: WalkForwardSteps;
  /** `expanding`: all rows before the test block train. `rolling`: as many rows, or periods, as for the first one. */
  window: "expanding" | "rolling";
}

/**
 * Walk-forward: always trained on the past, tested on what came next, as a strategy is refitted in use.
 *
 *     expanding   ├── train ──┤e│p├ test ┤              rolling   ├── train ──┤e│p├ test ┤
 *                 ├────── train ─────┤e│p├ test ┤                        ├── train ──┤e│p├ test ┤
 *                 ├───────── train ─────────┤e│p├ test ┤                        ├── train ──┤e│p├ test ┤
 *
 * Purged (p) where a label reaches the test block's first moment; then the embargo (e) is counted back from the last row left,
 * as it is before the borders of a hold-out. Where both are zero: `TimeSeriesSplit` of scikit-learn (by folds, with
 * `max_train_size` when rolling) and `WalkForward` of skfolio (by rows).
 *
 * @throws FoldwiseError `usage.folds`, `usage.embargo`, `usage.window` for one longer than the data, `data.too_few_rows`,
 *   `data.empty_fold`, `data.unsorted`, `data.label_end`.
 */
export function walkForward(input: SplitInput, { steps, window }: WalkForwardOptions): Fold[] {
  const prepared = prepareSplits(input);
  const pairs = pairsOf(input, steps, window);
  // Before any is made: a step a row would be as many copies of all rows.
  if (pairs.length > MOST_SPLITS) {
    throw new FoldwiseError(
      "usage.folds",
      `The walk-forward has ${pairs.length} steps; at most ${MOST_SPLITS} are allowed.`,
      {
        remedy: "Test more rows a step, or a longer period.",
        details: { steps: pairs.length, allowed: MOST_SPLITS },
      },
    );
  }
  return pairs.map(({ train, test }, fold) =>
    requireTrain({ fold, ...before(prepared, train, test) }, prepared, `step ${fold + 1} of ${pairs.length}`),
  );
}

interface Pair {
  train: Block;
  test: Block;
}

function pairsOf({ rows, timestamps }: SplitInput, steps: WalkForwardSteps, window: "expanding" | "rolling"): Pair[] {
  if (steps.by === "calendar") {
    requireCount(steps.train, 1, "The number of training periods");
    const periods = periodsOf(rows, timestamps, steps.period);
    if (periods.length <= steps.train) {
      throw tooLong(
        `${steps.train} training periods`,
        `the usable rows span ${periods.length} of them (${steps.period})`,
      );
    }
    return periods.slice(steps.train).map((test, i) => ({
      train: { start: window === "rolling" ? periods[i]!.start : 0, end: test.start },
      test,
    }));
  }
  const { first, size } = steps.by === "folds" ? byFolds(rows.length, steps.folds) : byRows(rows.length, steps);
  const count = Math.floor((rows.length - first) / size);
  return Array.from({ length: count }, (_, i) => {
    const start = first + i * size;
    return {
      train: { start: window === "rolling" ? i * size : 0, end: start },
      test: { start, end: start + size },
    };
  });
}

function byFolds(rows: number, folds: number): { first: number; size: number } {
  requireCount(folds, 1, "The number of walk-forward steps");
  const size = Math.floor(rows / (folds + 1));
  if (size === 0) {
    throw new FoldwiseError(
      "data.too_few_rows",
      `${rows} usable rows cannot be parted into ${folds} steps and a start.`,
      {
        remedy: "Use more bars, or fewer --folds.",
        details: { rows, folds },
      },
    );
  }
  return { first: rows - folds * size, size };
}

function byRows(rows: number, { train, test }: { train: number; test: number }): { first: number; size: number } {
  requireCount(train, 1, "The training window");
  requireCount(test, 1, "The test window");
  if (train + test > rows)
    throw tooLong(`${train} training rows and ${test} test rows`, `there are ${rows} usable rows`);
  return { first: train, size: test };
}

function tooLong(asked: string, there: string): FoldwiseError {
  return new FoldwiseError("usage.window", `The walk-forward window is longer than the data: ${asked}, but ${there}.`, {
    remedy: "Give a shorter training or test window, or more bars.",
  });
}

function before({ rows, ends, timestamps, embargo }: Prepared, train: Block, test: Block) {
  const from = rows.subarray(train.start, train.end);
  const { kept, purged } = purgeBefore(from, ends, timestamps[rows[test.start]!]!);
  const last = kept.at(-1);
  const left = last === undefined ? kept : kept.filter((row) => row <= last - embargo);
  return { train: left, test: rows.slice(test.start, test.end), purged, embargoed: kept.length - left.length };
}

/** Neighbouring rows of one calendar period, in order. */
function periodsOf(rows: Int32Array, timestamps: Timestamps, period: CalendarPeriod): Block[] {
  const blocks: Block[] = [];
  let current = Number.NaN;
  for (let i = 0; i < rows.length; i++) {
    const key = periodOf(timestamps[rows[i]!]!, period);
    if (key !== current) blocks.push({ start: i, end: i });
    current = key;
    blocks.at(-1)!.end = i + 1;
  }
  return blocks;
}

const MICROS_A_DAY = 86_400_000_000;

/** A number that is the same for stamps of one UTC period, and different for all others. */
function periodOf(micros: number, period: CalendarPeriod): number {
  const day = Math.floor(micros / MICROS_A_DAY);
  if (period === "day") return day;
  // 1970-01-01 was a Thursday; weeks begin on Monday.
  if (period === "week") return Math.floor((day + 3) / 7);
  const date = new Date(micros / 1000);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  return Math.floor(months / { month: 1, quarter: 3, year: 12 }[period]);
}
