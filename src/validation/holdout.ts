import { FoldwiseError, NO_LABEL, type PartName, type RowRange, type Timestamps } from "../types/index.js";
import { latestEnds, purgeBefore } from "./intervals.js";

/** `val` in its two halves: `stop` ends training early, `calibrate` serves everything else that needs fresh rows. */
export const HOLDOUT_PARTS = ["train", "stop", "calibrate", "test"] as const;
export type HoldoutPart = (typeof HOLDOUT_PARTS)[number];

export interface HoldoutInput {
  /** (N), increasing. */
  timestamps: Timestamps;
  /** (N) each, every horizon of the dataset, whichever is trained. */
  labels: readonly Int8Array[];
  /** (N) each, in the order of `labels`; NaN for context rows. */
  labelEnds: readonly Timestamps[];
  parts: Record<PartName, RowRange>;
  /** Rows; `defaultEmbargo` of train and val by default. */
  embargo?: number;
}

/** Rows of a part that are not used, by reason. */
export interface LostRows {
  /** Not labelled at every horizon. */
  unlabelled: number;
  /** Their label interval reaches into the next part. */
  purged: number;
  embargoed: number;
  /** Of a run with sequence models: no full window of bars ends there. */
  windowless: number;
}

export interface HoldoutPlan extends Record<HoldoutPart, Int32Array> {
  /** Rows, as applied. */
  embargo: number;
  lost: Record<HoldoutPart, LostRows>;
}

/**
 * 1 % of the rows of train and val, at least 59 (the look-back of a 60-bar window), and at least `seqLen − 1`.
 */
export function defaultEmbargo(trainPlusValRows: number, seqLen = 0): number {
  return Math.max(Math.ceil(trainPlusValRows / 100), 59, seqLen - 1);
}

/**
 * The rows that a single train/validate/test run may use (design, sections 3 and 7).
 *
 *     ├────────── train ──────────┤├──────── val ─────────┤├── test ──┤   parts, all rows
 *     ├────────── train ────┤e│p│  ├─ stop ─┤e│p│├ cal. ┤e│p│├─ test ──┤   p purged, e embargoed
 *
 * 1. Only rows labelled at **every** horizon count, and a row's interval ends with the latest of its labels: the row sets do not
 *    depend on the horizon trained.
 * 2. `val` is halved by the number of those rows, so that context rows (ends of pieces) do not make one half the smaller.
 * 3. Before each border, rows of the earlier part whose interval reaches the first row of the later one go.
 * 4. Then the embargo: counting back from the last row left, all rows among the previous `embargo` rows of the dataset go. Rows
 *    are counted with context rows, as windows do. The later part never depends on the embargo.
 *
 * @throws FoldwiseError `data.empty_part` when nothing is left of a part.
 */
export function planHoldout(input: HoldoutInput): HoldoutPlan {
  const { timestamps, labels, parts } = input;
  const embargo = input.embargo ?? defaultEmbargo(rowsOf(parts.train) + rowsOf(parts.val));
  if (!Number.isInteger(embargo) || embargo < 0) {
    throw new FoldwiseError(
      "usage.embargo",
      `The embargo is ${embargo}; it must be a whole number of rows, 0 or more.`,
      {
        remedy: "Give a length such as 100, 4h or 1d.",
      },
    );
  }
  const ends = latestEnds(input.labelEnds);
  const val = labelledRows(parts.val, labels, ends);
  const half = val.length >> 1;
  const border = val[half] ?? parts.val.end;
  const ranges: Record<HoldoutPart, RowRange> = {
    train: parts.train,
    stop: { start: parts.val.start, end: border },
    calibrate: { start: border, end: parts.val.end },
    test: parts.test,
  };
  const rows: Record<HoldoutPart, Int32Array> = {
    train: labelledRows(parts.train, labels, ends),
    stop: val.subarray(0, half),
    calibrate: val.subarray(half),
    test: labelledRows(parts.test, labels, ends),
  };

  const lost: Partial<Record<HoldoutPart, LostRows>> = {};
  HOLDOUT_PARTS.forEach((part, i) => {
    const unlabelled = rowsOf(ranges[part]) - rows[part].length;
    const next = HOLDOUT_PARTS[i + 1];
    const from = next === undefined ? undefined : timestamps[ranges[next].start];
    const { kept, purged } =
      from === undefined ? { kept: rows[part].slice(), purged: 0 } : purgeBefore(rows[part], ends, from);
    const left = from === undefined ? kept : withoutLast(kept, embargo);
    lost[part] = { unlabelled, purged, embargoed: kept.length - left.length, windowless: 0 };
    rows[part] = left;
    if (left.length === 0) throw emptyPart(part, rowsOf(ranges[part]), lost[part], embargo);
  });
  return { ...rows, embargo, lost: lost as Record<HoldoutPart, LostRows> };
}

function rowsOf({ start, end }: RowRange): number {
  return end - start;
}

function labelledRows(range: RowRange, labels: readonly Int8Array[], ends: Timestamps): Int32Array {
  const rows: number[] = [];
  for (let t = range.start; t < range.end; t++) {
    if (!Number.isNaN(ends[t]!) && labels.every((y) => y[t] !== NO_LABEL)) rows.push(t);
  }
  return Int32Array.from(rows);
}

/** Without those among the last `count` rows of the dataset up to the last of `rows`. */
function withoutLast(rows: Int32Array, count: number): Int32Array {
  const last = rows.at(-1);
  return last === undefined ? rows : rows.filter((row) => row <= last - count);
}

function emptyPart(part: HoldoutPart, total: number, lost: LostRows, embargo: number): FoldwiseError {
  return new FoldwiseError(
    "data.empty_part",
    `No row is left in the "${part}" part: of ${total} rows ${lost.unlabelled} are not labelled at every horizon, ` +
      `${lost.purged} have labels that reach into the next part, ${lost.embargoed} lie in the embargo of ${embargo} rows.`,
    {
      remedy: "Use more bars, shorter horizons, a larger share for this part, or a smaller --embargo.",
      details: { part, total, ...lost, embargo },
    },
  );
}
