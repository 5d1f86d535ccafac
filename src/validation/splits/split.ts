import { FoldwiseError, type Timestamps } from "../../types/index.js";

/** Splits of one run: their number is a byte in the files of out-of-fold answers. 10 choose 3 are 120. */
export const MOST_SPLITS = 127;

/** What a splitter works on: rows that may be used, when they are, and until when their labels look. */
export interface SplitInput {
  /** (N), increasing, of every row of the dataset. */
  timestamps: Timestamps;
  /** (N), the latest label end of the row; only those of `rows` are read. */
  ends: Timestamps;
  /** Usable rows of train and validation, ascending. Test rows are never among them. */
  rows: Int32Array;
  /** Rows of the dataset, context rows included. */
  embargo: number;
}

/** Row numbers of one split, ascending. Nothing in `train` shares a moment with the label interval of a row in `test`. */
export interface Split {
  train: Int32Array;
  test: Int32Array;
  /** Rows that would train, but whose label interval meets one of `test`. */
  purged: number;
  embargoed: number;
}

/** Positions among `SplitInput.rows`, `start` (inclusive) to `end` (exclusive). */
export interface Block {
  start: number;
  end: number;
}

/** An input that has passed its checks. */
export interface Prepared extends SplitInput {
  /** (n) the latest label end of the rows up to and with this one. */
  reach: Float64Array;
}

/**
 * Checks once what every split of it relies on.
 *
 * @throws FoldwiseError `data.unsorted`, `data.label_end`, `usage.embargo`.
 */
export function prepareSplits(input: SplitInput): Prepared {
  const { timestamps, ends, rows, embargo } = input;
  if (!Number.isInteger(embargo) || embargo < 0) {
    throw new FoldwiseError(
      "usage.embargo",
      `The embargo is ${embargo}; it must be a whole number of rows, 0 or more.`,
      {
        remedy: "Give a length such as 100, 4h or 1d.",
      },
    );
  }
  const reach = new Float64Array(rows.length);
  let latest = Number.NEGATIVE_INFINITY;
  let before = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const [time, end] = [timestamps[row]!, ends[row]!];
    if (!(time > before)) throw unsorted(row);
    // Also NaN: a row without a label has no place here.
    if (!(end >= time)) throw endsEarly(row);
    before = time;
    latest = Math.max(latest, end);
    reach[i] = latest;
  }
  return { ...input, reach };
}

/**
 * The split that tests some blocks of rows and trains on what is left, on both sides of each.
 *
 *     rows     ├───────────────┼──── test ────┼──────────────────────────┤
 *     labels              ╶──────┤      ╶────────┤
 *     train    ├─────────┤  p               p p p │e e e e├─────────────┤
 *                                      last label end ┘
 *
 * A row is purged (p) when its interval [t, label end] meets that of a tested row: before a block, when its label ends at the
 * block's first moment or later; behind it, when it begins by the block's last label end. The embargo (e) are the rows of the
 * dataset that follow that end.
 *
 * Purging and embargo: López de Prado, Advances in Financial Machine Learning (2018), chapter 7. Some libraries begin the
 * purge before a block at the first tested label's end instead of its start, and so train on as many rows that look into it
 * as a label is long.
 */
export function splitAround(input: Prepared, blocks: readonly Block[]): Split {
  const { timestamps, ends, rows, reach, embargo } = input;
  const state = new Uint8Array(rows.length);
  for (const { start, end } of blocks) state.fill(TEST, start, end);
  const embargoes: Block[] = [];
  const touched: Block[] = [];
  for (const { start, end } of blocks) {
    const first = timestamps[rows[start]!]!;
    let before = start - 1;
    for (; before >= 0 && reach[before]! >= first; before--) {
      if (state[before] === TRAIN && ends[rows[before]!]! >= first) state[before] = PURGED;
    }
    let last = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i++) last = Math.max(last, ends[rows[i]!]!);
    let i = end;
    for (; i < rows.length && timestamps[rows[i]!]! <= last; i++) if (state[i] === TRAIN) state[i] = PURGED;
    const limit = rowsUntil(timestamps, last) - 1 + embargo;
    const from = i;
    while (i < rows.length && rows[i]! <= limit) i++;
    embargoes.push({ start: from, end: i });
    touched.push({ start: before + 1, end: i });
  }
  for (const { start, end } of embargoes) {
    for (let i = start; i < end; i++) if (state[i] === TRAIN) state[i] = EMBARGOED;
  }
  return collect(rows, state, touched);
}

const [TRAIN, TEST, PURGED, EMBARGOED] = [0, 1, 2, 3];

/** Row by row only where a block lies; what is between them trains, and is copied at once. */
function collect(rows: Int32Array, state: Uint8Array, touched: readonly Block[]): Split {
  const ranges = disjoint(touched);
  const counts = [0, 0, 0, 0];
  for (const { start, end } of ranges) for (let i = start; i < end; i++) counts[state[i]!]! += 1;
  const train = new Int32Array(rows.length - counts[TEST]! - counts[PURGED]! - counts[EMBARGOED]!);
  const test = new Int32Array(counts[TEST]!);
  let [a, b, from] = [0, 0, 0];
  for (const { start, end } of [...ranges, { start: rows.length, end: rows.length }]) {
    train.set(rows.subarray(from, start), a);
    a += start - from;
    for (let i = start; i < end; i++) {
      if (state[i] === TRAIN) train[a++] = rows[i]!;
      else if (state[i] === TEST) test[b++] = rows[i]!;
    }
    from = end;
  }
  return { train, test, purged: counts[PURGED]!, embargoed: counts[EMBARGOED]! };
}

/** The same positions in ascending ranges that do not meet. */
function disjoint(ranges: readonly Block[]): Block[] {
  const merged: Block[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** How many of the ascending `timestamps` are not after `time`. */
function rowsUntil(timestamps: Timestamps, time: number): number {
  let low = 0;
  let high = timestamps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timestamps[middle]! > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * `parts` neighbouring blocks of as equal a size as can be, the first ones the larger: `numpy.array_split`.
 *
 * @throws FoldwiseError `data.too_few_rows` for fewer rows than blocks.
 */
export function evenBlocks(rows: number, parts: number, what: string): Block[] {
  if (rows < parts) {
    throw new FoldwiseError("data.too_few_rows", `${rows} usable rows cannot be parted into ${parts} ${what}.`, {
      remedy: `Use more bars, or fewer ${what}.`,
      details: { rows, parts },
    });
  }
  const [least, larger] = [Math.floor(rows / parts), rows % parts];
  return Array.from({ length: parts }, (_, i) => {
    const start = i * least + Math.min(i, larger);
    return { start, end: start + least + (i < larger ? 1 : 0) };
  });
}

/** @throws FoldwiseError `usage.folds` unless `count` is a whole number of at least `least`. */
export function requireCount(count: number, least: number, what: string): void {
  if (Number.isInteger(count) && count >= least) return;
  throw new FoldwiseError("usage.folds", `${what} is ${count}; it must be a whole number of at least ${least}.`, {
    remedy: least === 2 ? "Five is usual." : "Give a whole number.",
  });
}

/**
 * @throws FoldwiseError `data.empty_fold` when nothing is left to train on, with how long labels are and what to change.
 */
export function requireTrain<S extends Split>(split: S, input: Prepared, name: string): S {
  if (split.train.length > 0) return split;
  const { rows, timestamps, ends, embargo } = input;
  let longest = 0;
  for (const row of rows) longest = Math.max(longest, rowsUntil(timestamps, ends[row]!) - 1 - row);
  throw new FoldwiseError(
    "data.empty_fold",
    `No training row is left in ${name}: ${split.purged} rows have labels that meet those of its ${split.test.length} test rows ` +
      `(the longest label spans ${longest} bars), and ${split.embargoed} lie in the embargo of ${embargo} rows.`,
    {
      remedy: "Use more bars, shorter horizons, fewer folds, or a smaller --embargo.",
      details: { purged: split.purged, embargoed: split.embargoed, longestLabel: longest, embargo },
    },
  );
}

function unsorted(row: number): FoldwiseError {
  return new FoldwiseError("data.unsorted", `Row ${row} is not later than the usable row before it.`, {
    remedy: "Sort the rows by timestamp; two rows of one symbol cannot have the same one.",
    details: { row },
  });
}

function endsEarly(row: number): FoldwiseError {
  return new FoldwiseError("data.label_end", `The label of row ${row} ends before the row itself, or never.`, {
    remedy: "A label_end is the moment at which the label is known: never before the row's timestamp.",
    details: { row },
  });
}
