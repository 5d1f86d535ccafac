import { CLASS_COUNT, FoldwiseError, NO_LABEL, places, type Timestamps } from "../../types/index.js";
import { checkProbabilities, type Probabilities } from "../losses.js";
import { checkLabels, checkLength, checkLevel, rowsOf } from "./checks.js";
import { ScoreWindow } from "./scoreWindow.js";

export interface AdaptiveOptions {
  /** Share of rows whose set is to hold the true class, in (0, 1). */
  level: number;
  /** Step by which α follows misses, > 0: 0.005 by default, as in the paper. Keep gamma × label duration in rows well below 1. */
  gamma?: number;
  /** How many of the latest known scores the thresholds are quantiles of; 1 000 by default. */
  window?: number;
}

/** A row whose label was not known yet. */
export interface PendingLabel {
  labelEnd: number;
  /** 1 − p of its class. */
  score: number;
  /** Whether the set given to it lacks its class. */
  missed: boolean;
}

/** Where adaptive sets stand after the rows given so far. Plain JSON. */
export interface AdaptiveState extends Required<AdaptiveOptions> {
  /** Share of misses that thresholds aim at now; below 0 all sets are full, above 1 all are empty. */
  alpha: number;
  /** The latest known scores, oldest first, at most `window`. */
  scores: number[];
  /** In the order of their rows. */
  pending: PendingLabel[];
  /** Of the last row; null before the first. */
  lastTimestamp: number | null;
}

/** Rows in time order, going on from those of the state. */
export interface AdaptiveRows {
  /** (N) increasing. */
  timestamps: Timestamps;
  /** (N) when a row's label is known, not before the row; not read where there is no label. */
  labelEnds: Timestamps;
  /** (N) in −1, 0, 1; `NO_LABEL` for rows that are answered and teach nothing. */
  y: Int8Array;
  /** (N, 3). */
  p: Probabilities;
}

export interface AdaptiveSets {
  /** (N, 3) of 0 and 1, columns −1, 0, 1. */
  sets: Uint8Array;
  /** (N) the α that each row's set was made by. */
  alphas: Float64Array;
  /** What the rows that come next go on from. */
  state: AdaptiveState;
}

/**
 * The state before the first row. Give it the calibration rows first, and then those to be judged.
 *
 * @throws FoldwiseError `usage.conformal_level`, `usage.conformal_gamma`, `usage.conformal_window`.
 */
export function adaptiveStart({ level, gamma = 0.005, window = 1_000 }: AdaptiveOptions): AdaptiveState {
  checkLevel(level);
  if (!(gamma > 0 && gamma < 1)) {
    throw new FoldwiseError("usage.conformal_gamma", `Got the step gamma ${gamma}; it must lie between 0 and 1.`, {
      remedy: "Give a small step, such as 0.005; more follows drift faster and makes the sets' sizes restless.",
    });
  }
  if (!(Number.isInteger(window) && window >= 1)) {
    throw new FoldwiseError("usage.conformal_window", `Got a window of ${window} scores.`, {
      remedy: "Give a whole number of scores, at least 1; several hundred are usual.",
    });
  }
  return { level, gamma, window, alpha: 1 - level, scores: [], pending: [], lastTimestamp: null };
}

/**
 * Prediction sets that follow drift: adaptive conformal inference (Gibbs and Candès, 2021) on the latest known scores, its feedback
 * delayed until labels are known. For each row t, in order:
 *
 *   1. for every earlier row s with label_end(s) ≤ t not yet counted, by label_end:
 *      its score joins the window, α ← α + γ (1 − level − [its set lacked its class])
 *   2. the set of t: all classes with 1 − p ≤ the ⌈(n + 1)(1 − α)⌉-th smallest of the window's n scores
 *
 *   row      s ──── label ────┤ known
 *                                 t    learns from s, but not from what is known after t
 *
 * So the set at t uses p up to t and labels with label_end ≤ t. Without any assumption on the rows, the share of misses among m
 * counted rows is 1 − level to within |α now − α first| / (γ m). Scores are as in `fitConformal`, and sets may be empty.
 *
 * Live: go on from the state before the oldest row whose label is still open, and give the rows since then again, those that are
 * open as `NO_LABEL`.
 *
 * @throws FoldwiseError `data.no_rows`, `data.shape_mismatch`, `data.bad_label`, `data.bad_probabilities`, `data.unsorted`,
 *   `data.label_end`.
 */
export function adaptiveSets(state: AdaptiveState, rows: AdaptiveRows): AdaptiveSets {
  const { timestamps, y, p } = rows;
  checkRows(state, rows);
  const { level, gamma } = state;
  const n = y.length;
  const window = new ScoreWindow(state.window, state.scores);
  const queue = new LabelQueue(state.pending, rows);
  const sets = new Uint8Array(p.length);
  const alphas = new Float64Array(n);
  let { alpha } = state;
  for (let t = 0; t < n; t++) {
    for (let known = queue.next(timestamps[t]!); known !== null; known = queue.next(timestamps[t]!)) {
      window.push(known.score);
      alpha += gamma * (1 - level - (known.missed ? 1 : 0));
    }
    alphas[t] = alpha;
    const threshold = window.threshold(alpha);
    for (let j = CLASS_COUNT * t; j < CLASS_COUNT * (t + 1); j++) sets[j] = 1 - p[j]! <= threshold ? 1 : 0;
    if (y[t] !== NO_LABEL) queue.answer({ missed: sets[CLASS_COUNT * t + y[t]! + 1] === 0 });
  }
  return {
    sets,
    alphas,
    state: {
      ...state,
      alpha,
      scores: window.toArray(),
      pending: queue.rest(),
      lastTimestamp: timestamps[n - 1]!,
    },
  };
}

/**
 * The threshold that holds once every label of the state is known: what sets are made by where no outcomes come in to learn from.
 * Null stands for infinity, every class is in the set; −1, below every score, for sets that are empty.
 */
export function settledThreshold({
  level,
  gamma,
  window: size,
  scores,
  pending,
  ...state
}: AdaptiveState): number | null {
  const window = new ScoreWindow(size, scores);
  let { alpha } = state;
  for (const { score, missed } of [...pending].sort((a, b) => a.labelEnd - b.labelEnd)) {
    window.push(score);
    alpha += gamma * (1 - level - (missed ? 1 : 0));
  }
  const threshold = window.threshold(alpha);
  if (threshold === Number.POSITIVE_INFINITY) return null;
  return Math.max(threshold, -1);
}

/** Labels in the order in which they are known; of one moment, in that of their rows. */
class LabelQueue {
  /** In the order of their rows. */
  readonly #labels: PendingLabel[];
  /** Places in `#labels`, by label end. */
  readonly #order: Int32Array;
  /** How many of `#labels` are of rows that have their sets. */
  #answered: number;
  #taken = 0;

  constructor(pending: readonly PendingLabel[], { labelEnds, y, p }: AdaptiveRows) {
    this.#labels = [...pending];
    this.#answered = pending.length;
    for (let i = 0; i < y.length; i++) {
      if (y[i] === NO_LABEL) continue;
      this.#labels.push({ labelEnd: labelEnds[i]!, score: 1 - p[CLASS_COUNT * i + y[i]! + 1]!, missed: false });
    }
    const ends = Float64Array.from(this.#labels, ({ labelEnd }) => labelEnd);
    this.#order = places(ends.length).sort((a, b) => ends[a]! - ends[b]! || a - b);
  }

  /** The next label known at `time`, of a row that has its set; null where there is none. */
  next(time: number): PendingLabel | null {
    const place = this.#order[this.#taken] ?? this.#labels.length;
    const label = this.#labels[place];
    if (label === undefined || place >= this.#answered || label.labelEnd > time) return null;
    this.#taken++;
    return label;
  }

  /** Called for each labelled row, in order. */
  answer({ missed }: { missed: boolean }): void {
    this.#labels[this.#answered++]!.missed = missed;
  }

  rest(): PendingLabel[] {
    const left = this.#order.slice(this.#taken).sort();
    return Array.from(left, (place) => this.#labels[place]!);
  }
}

function checkRows({ lastTimestamp }: AdaptiveState, { timestamps, labelEnds, y, p }: AdaptiveRows): void {
  const n = rowsOf("probabilities", p);
  checkLength("labels", y, n);
  checkLength("timestamps", timestamps, n);
  checkLength("label ends", labelEnds, n);
  checkLabels(y, { unlabelled: "allowed" });
  checkProbabilities(p);
  for (let i = 0; i < n; i++) {
    const before = i === 0 ? (lastTimestamp ?? Number.NEGATIVE_INFINITY) : timestamps[i - 1]!;
    if (!(timestamps[i]! > before)) {
      throw new FoldwiseError("data.unsorted", `Row ${i} is not later than the row before it.`, {
        remedy: "Give rows once, sorted by timestamp, going on from those that the state has seen.",
        details: { row: i },
      });
    }
    if (y[i] !== NO_LABEL && !(labelEnds[i]! >= timestamps[i]!)) {
      throw new FoldwiseError("data.label_end", `The label of row ${i} ends before the row itself, or never.`, {
        remedy: "A label_end is the moment at which the label is known: never before the row's timestamp.",
        details: { row: i },
      });
    }
  }
}
