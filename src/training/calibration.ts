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

/** The graph's formula, computed in float64: probabilities (N, 3) → (N, 3). */
export function applyGraphCalibrator(p: Float32Array, calibrator: GraphCalibrator | null): Float32Array {
  if (calibrator === null) return p;
  const { slope, offset, prior_share: share, prior } = calibrator;
  const moved = applyCalibrator({ kind: "vector", scale: slope, bias: offset }, p);
  return Float32Array.from(moved, (q, i) => (1 - share) * q + share * prior[i % CLASS_COUNT]!);
}

/** How `calibration` of the configuration names what is done: `auto` decides by cross-fitting. */
export type CalibrationSetting = "auto" | CalibratorKind;

/** A model's calibrator, and what it says of rows on which it was not fitted. */
export interface Calibration extends CalibrationChoice {
  /** Rows of the dataset on which it was fitted. */
  rows: Int32Array;
  /** (N, 3) as the model answered them. */
  raw: Float32Array;
}

/**
 * Chooses and fits a calibrator on the `calibrate` rows, which the model's fit did not use: whether one helps is decided by five
 * folds of these rows, purged of one another. With fewer than 30 effective labels nothing is fitted; so with `auto` where the rows
 * hold one class.
 *
 * @param raw (N, 3), the model's answers for `rows`.
 * @throws FoldwiseError `data.one_class` where a kind was asked for by name and the rows hold one class.
 */
export function calibrationOn(
  dataset: StoredDataset,
  horizon: number,
  rows: Int32Array,
  raw: Float32Array,
  { setting, prior }: { setting: Exclude<CalibrationSetting, "none">; prior: ClassShares },
): Calibration {
  const { y, uniqueness } = scoredRows(dataset, horizon, rows, raw);
  if (setting === "auto" && trainedClasses(y, prior).length < 2) {
    const reason = "the rows hold fewer than two of the classes that training had";
    return {
      calibrator: { kind: "none" },
      reason,
      crossFitted: Float64Array.from(raw),
      scores: [],
      tested: 0,
      rows,
      raw,
    };
  }
  let effectiveLabels = 0;
  for (const share of uniqueness) effectiveLabels += share;
  const folds = effectiveLabels < MINIMUM_EFFECTIVE_LABELS ? [] : innerFolds(dataset, horizon, rows);
  const kind = setting === "auto" ? {} : { kind: setting };
  return { ...chooseCalibrator(y, raw, { prior, folds, effectiveLabels, ...kind }), rows, raw };
}

/**
 * (N, 3) what the calibrator says of the rows on which `fold` fits: each row by a fit that has seen neither its label nor those
 * of the rows that `fold` tests, for what is fitted by the calibrated answers in their turn.
 *
 * @param folds All folds, `fold` among them.
 */
export function calibratedWithin(
  { calibrator: { kind }, raw }: Pick<Calibration, "calibrator" | "raw">,
  fold: CrossFitFold,
  folds: readonly CrossFitFold[],
  rest: { y: Int8Array; prior: ClassShares; effectiveLabels: number },
): Float64Array {
  const inside = new Uint8Array(rest.y.length);
  for (const row of fold.train) inside[row] = 1;
  const kept = (rows: Int32Array): Int32Array => rows.filter((row) => inside[row] === 1);
  const inner = folds
    .filter((other) => other !== fold)
    .map(({ train, test }) => ({ train: kept(train), test: kept(test) }));
  return crossFittedCalibrator(kind, rest.y, raw, { ...rest, folds: inner });
}

/** Positions among `rows`: five blocks, each answered by what was fitted on the others without the rows that look into it. */
export function innerFolds(dataset: StoredDataset, horizon: number, rows: Int32Array): CrossFitFold[] {
  const input = { timestamps: dataset.timestamps(), ends: dataset.labelEnds(horizon), rows, embargo: 0 };
  const position = new Map(Array.from(rows, (row, i) => [row, i]));
  const among = (some: Int32Array): Int32Array => some.map((row) => position.get(row)!);
  return purgedKFold(input, CALIBRATION_FOLDS).map(({ train, test }) => ({ train: among(train), test: among(test) }));
}
