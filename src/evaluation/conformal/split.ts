import { CLASS_COUNT, CLASSES, FoldwiseError, gather } from "../../types/index.js";
import type { CrossFitFold } from "../crossFitFold.js";
import { checkProbabilities, checkScored, type Probabilities, rowsAt } from "../losses.js";
import { classCounts } from "../prior.js";
import { checkLevel } from "./checks.js";

/**
 * `plain`: of all rows, the share `level` has its class in its set. `class_conditional` (Mondrian): of the rows of each class.
 */
export const CONFORMAL_KINDS = ["plain", "class_conditional"] as const;
export type ConformalKind = (typeof CONFORMAL_KINDS)[number];

export interface ConformalOptions {
  /** Share of rows whose set is to hold the true class, in (0, 1). */
  level: number;
  kind: ConformalKind;
}

/** What prediction sets are made by. Plain JSON. */
export interface Conformal extends ConformalOptions {
  /** Calibration rows. */
  rows: number;
  /** Of them, those of −1, 0, 1. */
  classRows: [number, number, number];
  /**
   * Of −1, 0, 1: the class is in a row's set where 1 − p ≤ this. Null stands for infinity, the class is in every set: there are
   * too few rows to promise the level with less. All three are the same if `plain`.
   */
  thresholds: [number | null, number | null, number | null];
  /** What a reader should know: a class, or all of them, with too few rows. */
  notices: string[];
}

/**
 * Split-conformal prediction sets (Vovk, Gammerman, Shafer, 2005) by the score s = 1 − p of the true class (LAC: Sadinle, Lei,
 * Wasserman, 2019, the sets of least mean size). The threshold is the ⌈(n + 1) level⌉-th smallest score of n calibration rows.
 *
 *   scores of the calibration rows   ·· ··· ·· · ··  ·· ·   ·  │ ·      ·
 *                                    ◄──── ⌈(n+1) level⌉ ─────►│ threshold
 *
 * On rows exchangeable with those of calibration (and without ties) the share of sets that hold the true class is expected to be
 * level to level + 1/(n + 1). Overlapping labels and drift break exchangeability: see `coverageReport` and `adaptiveSets`.
 *
 * A set may be empty: no class is likely enough. It is kept so. Putting the likeliest class in would cover more than is promised
 * wherever a model is right more often than `level`; and an empty set is a reason not to trade. With a weak model and a high
 * level there is none: thresholds of 2/3 and more leave no set empty.
 *
 * @param y (N) labels of calibration rows, which neither the fit nor anything chosen by it has seen.
 * @param p (N, 3).
 * @throws FoldwiseError `usage.conformal_level`, `usage.conformal_kind`, and those of `checkScored`.
 */
export function fitConformal(y: Int8Array, p: Probabilities, { level, kind }: ConformalOptions): Conformal {
  checkLevel(level);
  if (!CONFORMAL_KINDS.includes(kind)) {
    throw new FoldwiseError("usage.conformal_kind", `Got the kind ${JSON.stringify(kind)} of prediction sets.`, {
      remedy: `Give one of ${CONFORMAL_KINDS.join(", ")}.`,
    });
  }
  checkScored(y, p);
  const scores = scoresOf(y, p);
  const classRows = classCounts(y);
  const all = kind === "plain" ? conformalQuantile(scores, level) : null;
  const thresholdOf = (k: 0 | 1 | 2): number | null =>
    kind === "plain"
      ? all
      : conformalQuantile(
          scores.filter((_, i) => y[i] === CLASSES[k]),
          level,
        );
  const base = { level, kind, rows: y.length, classRows };
  return { ...base, thresholds: [thresholdOf(0), thresholdOf(1), thresholdOf(2)], notices: noticesOf(base) };
}

/**
 * The prediction set of each row.
 *
 * @param p (N, 3).
 * @returns (N, 3) of 0 and 1, columns −1, 0, 1.
 * @throws FoldwiseError `data.shape_mismatch`, `data.bad_probabilities`.
 */
export function predictionSets({ thresholds }: Pick<Conformal, "thresholds">, p: Probabilities): Uint8Array {
  checkProbabilities(p);
  const limits = thresholds.map((threshold) => threshold ?? Number.POSITIVE_INFINITY);
  const sets = new Uint8Array(p.length);
  for (let j = 0; j < p.length; j++) sets[j] = 1 - p[j]! <= limits[j % CLASS_COUNT]! ? 1 : 0;
  return sets;
}

/**
 * Sets of the calibration rows themselves, each by thresholds that have not seen it nor what its label overlaps: what is fitted on
 * rows may be scored there only so (design, section 7).
 *
 * @param folds Purged: rows to fit on, and rows to answer. Each row is answered by one fold.
 * @param within (N, 3) what stands for `p` where a fold's thresholds are fitted; `p` by default. In a chain (calibrate, then sets)
 * `p` itself comes of fits that have seen other rows' labels: of the rows that the fold fits on, it has to give answers that know
 * none of the labels of those that it tests.
 * @throws FoldwiseError `data.bad_folds`, and those of `fitConformal`.
 */
export function crossFittedSets(
  y: Int8Array,
  p: Probabilities,
  options: ConformalOptions,
  folds: readonly CrossFitFold[],
  within: (fold: CrossFitFold) => Probabilities = () => p,
): Uint8Array {
  checkScored(y, p);
  const answered = new Uint8Array(y.length);
  const sets = new Uint8Array(p.length);
  for (const fold of folds) {
    const { train, test } = fold;
    const fitted = fitConformal(gather(y, train, new Int8Array(train.length)), rowsAt(within(fold), train), options);
    const own = predictionSets(fitted, rowsAt(p, test));
    for (let i = 0; i < test.length; i++) {
      answered[test[i]!]!++;
      for (let k = 0; k < CLASS_COUNT; k++) sets[CLASS_COUNT * test[i]! + k] = own[CLASS_COUNT * i + k]!;
    }
  }
  const bad = answered.findIndex((times) => times !== 1);
  if (bad >= 0) {
    throw new FoldwiseError("data.bad_folds", `Row ${bad} is tested by ${answered[bad]} folds; it must be by one.`, {
      remedy: "Give the folds of one k-fold split of these rows, as `purgedKFold` makes them.",
      details: { row: bad },
    });
  }
  return sets;
}

/** s = 1 − p of the true class. (N) */
function scoresOf(y: Int8Array, p: Probabilities): Float64Array {
  const scores = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) scores[i] = 1 - p[CLASS_COUNT * i + y[i]! + 1]!;
  return scores;
}

/** Which of `n` scores in ascending order, counted from 1, is the quantile; above `n`: infinity. */
export function conformalRank(n: number, level: number): number {
  // 0.55 × 100 is a hair above 55 in floating point.
  return Math.ceil((n + 1) * level - 1e-9);
}

function conformalQuantile(scores: Float64Array, level: number): number | null {
  return scores.slice().sort()[conformalRank(scores.length, level) - 1] ?? null;
}

function noticesOf({ level, kind, rows, classRows }: Omit<Conformal, "thresholds" | "notices">): string[] {
  const needed = Math.ceil(level / (1 - level) - 1e-9);
  const promise = `${needed} calibration rows that a level of ${level} needs`;
  if (kind === "plain")
    return rows < needed ? [`There are ${rows} of the ${promise}: all classes are in every set.`] : [];
  return CLASSES.filter((_, k) => classRows[k]! < needed).map(
    (label) => `Class ${label} has ${classRows[label + 1]} of the ${promise}: it is in every set.`,
  );
}
