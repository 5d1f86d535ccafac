import type { GraphCalibrator } from "../engine/index.js";
import {
  applyCalibrator,
  type CalibrationChoice,
  type Calibrator,
  type CalibratorKind,
  type ClassShares,
  type CrossFitFold,
  chooseCalibrator,
  crossFittedCalibrator,
  MINIMUM_EFFECTIVE_LABELS,
  softmaxForm,
  trainedClasses,
} from "../evaluation/index.js";
import { CLASS_COUNT, CLASSES, type Label, type StoredDataset } from "../types/index.js";
import { purgedKFold } from "../validation/index.js";
import type { CombinedOn } from "./ensemble/index.js";
import { scoredRows } from "./rows.js";

/** Folds of the calibrate rows by which a calibrator is judged (design, section 7). */
const CALIBRATION_FOLDS = 5;

/** An offset that leaves nothing of a class in float32, whatever the others are. */
const NOTHING = -1e4;

/**
 * What the graph computes for a calibrator: (1 − prior_share) softmax(slope ln p + offset) + prior_share prior. Null for `none`.
 * A class that training lacked stays at 0.
 */
export function graphCalibrator(calibrator: Calibrator, trained: readonly Label[]): GraphCalibrator | null {
  const form = formOf(calibrator);
  if (form === null) return null;
  const offset = CLASSES.map((label, k) => (trained.includes(label) ? form.offset[k]! : NOTHING));
  return { ...form, offset: [offset[0]!, offset[1]!, offset[2]!] };
}

function formOf(calibrator: Calibrator): GraphCalibrator | null {
  if (calibrator.kind === "none") return null;
  if (calibrator.kind === "prior")
    return { slope: [1, 1, 1], offset: [0, 0, 0], prior_share: calibrator.lambda, prior: calibrator.prior };
  const { scale, bias } = softmaxForm(calibrator);
  return { slope: scale, offset: bias, prior_share: 0, prior: [0, 0, 0] };
}

/** How `calibration` of the configuration names what is done: `auto` decides by cross-fitting. */
export type CalibrationSetting = "auto" | CalibratorKind;

/** A model's calibrator, and what it says of rows on which it was not fitted. */
export interface Calibration extends CalibrationChoice {
  /** Rows of the dataset on which it was fitted. */
  rows: Int32Array;
  /** (N, 3) as the model answered them. */
  raw: Float32Array;
  /**
   * For what is fitted by calibrated answers in its turn: (N, 3) what is said of the rows that the `fold`-th of `innerFolds` fits
   * on, each by what has seen neither its label nor those of the rows that the fold tests.
   */
  within(fold: number): Float64Array;
}

/**
 * Chooses and fits a calibrator on the `calibrate` rows, which the model's fit did not use: whether one helps is decided by five
 * folds of these rows, purged of one another. With fewer than 30 effective labels nothing is fitted; so with `auto` where the rows
 * hold one class.
 *
 * @param raw (N, 3), the model's answers for `rows`. @param lenient Rows of one class are taken with a kind asked for by name, too.
 * @throws FoldwiseError `data.one_class` where a kind was asked for by name and the rows hold one class.
 */
export function calibrationOn(
  dataset: StoredDataset,
  horizon: number,
  rows: Int32Array,
  raw: Float32Array,
  { setting, prior, lenient }: { setting: Exclude<CalibrationSetting, "none">; prior: ClassShares; lenient?: boolean },
): Calibration {
  const { y, uniqueness } = scoredRows(dataset, horizon, rows, raw);
  if ((setting === "auto" || lenient === true) && trainedClasses(y, prior).length < 2) {
    const reason = "the rows hold fewer than two of the classes that training had";
    return {
      calibrator: { kind: "none" },
      reason,
      crossFitted: Float64Array.from(raw),
      scores: [],
      tested: 0,
      rows,
      raw,
      within: () => Float64Array.from(raw),
    };
  }
  let effectiveLabels = 0;
  for (const share of uniqueness) effectiveLabels += share;
  const folds = effectiveLabels < MINIMUM_EFFECTIVE_LABELS ? [] : innerFolds(dataset, horizon, rows);
  const kind = setting === "auto" ? {} : { kind: setting };
  const choice = chooseCalibrator(y, raw, { prior, folds, effectiveLabels, ...kind });
  const within = (fold: number): Float64Array =>
    crossFittedCalibrator(choice.calibrator.kind, y, raw, { prior, effectiveLabels, folds: foldsWithin(folds, fold) });
  return { ...choice, rows, raw, within };
}

/** The folds but one, without the rows that this one tests or purges: they are purged of one another as they were. */
function foldsWithin(folds: readonly CrossFitFold[], fold: number): CrossFitFold[] {
  const inside = new Set(folds[fold]!.train);
  const kept = (rows: Int32Array): Int32Array => rows.filter((row) => inside.has(row));
  return folds.filter((_, f) => f !== fold).map(({ train, test }) => ({ train: kept(train), test: kept(test) }));
}

/** Positions among `rows`: five blocks, each answered by what was fitted on the others without the rows that look into it. */
export function innerFolds(dataset: StoredDataset, horizon: number, rows: Int32Array): CrossFitFold[] {
  const input = { timestamps: dataset.timestamps(), ends: dataset.labelEnds(horizon), rows, embargo: 0 };
  const position = new Map(Array.from(rows, (row, i) => [row, i]));
  const among = (some: Int32Array): Int32Array => some.map((row) => position.get(row)!);
  return purgedKFold(input, CALIBRATION_FOLDS).map(({ train, test }) => ({ train: among(train), test: among(test) }));
}

/**
 * The same for an ensemble that learned to combine on the very rows: the calibrator is fitted on what folds say that had not seen them,
 * and what stands for a row is said by combination and calibrator of other rows, both learned anew (chains nest; design, section 7).
 */
export async function calibrationAfter(
  { X, p, again }: CombinedOn,
  options: {
    dataset: StoredDataset;
    horizon: number;
    setting: Exclude<CalibrationSetting, "none">;
    prior: ClassShares;
  },
): Promise<Calibration> {
  const { dataset, horizon, ...how } = options;
  const { rows } = X;
  const whole = calibrationOn(dataset, horizon, rows, new Float32Array(p), how);
  if (whole.calibrator.kind === "none") return whole;
  const crossFitted = Float64Array.from(p);
  const within: Float64Array[] = [];
  for (const { train, test } of innerFolds(dataset, horizon, rows)) {
    const { inner, answer, dispose } = await again(train);
    try {
      const some = train.map((i) => rows[i]!);
      const own = calibrationOn(dataset, horizon, some, new Float32Array(inner), { ...how, lenient: true });
      const { calibrator } = own;
      within.push(spread(own.crossFitted, train, p.length));
      const said = applyCalibrator(calibrator, await answer(test));
      for (const [j, i] of test.entries()) crossFitted.set(said.subarray(3 * j, 3 * j + 3), 3 * i);
    } finally {
      await dispose();
    }
  }
  return { ...whole, crossFitted, within: (fold) => within[fold]! };
}

/** (N, 3) with these answers at some of the rows, and nothing at the others. */
export function spread(answers: Float64Array, rows: Int32Array, length: number): Float64Array {
  const all = new Float64Array(length);
  for (const [j, i] of rows.entries())
    all.set(answers.subarray(CLASS_COUNT * j, CLASS_COUNT * (j + 1)), CLASS_COUNT * i);
  return all;
}
