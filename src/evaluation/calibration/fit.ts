import { CLASS_COUNT, FoldwiseError, type Label } from "../../types/index.js";
import { checkScored, checkWeights, type Probabilities, rowsAt } from "../losses.js";
import { type ClassShares, classesIn } from "../prior.js";
import { type Calibrator, type CalibratorKind, checkPrior, LEAST_SHARE, logs } from "./calibrator.js";
import { convexMinimum, type Slope } from "./minimise.js";
import { fitVector } from "./vector.js";

export interface CalibratorFit {
  /** Class shares of the training rows, order −1, 0, 1. */
  prior: ClassShares;
  /** (N) > 0; left out: every row counts the same. */
  weights?: Float32Array | Float64Array;
  /** How many independent labels the rows hold, which is what `vector` is held towards the identity by. Left out: N. */
  effectiveLabels?: number;
}

/** The rows of a fit: logarithms, class indices and shares that sum to 1. */
export interface FitRows {
  l: Float64Array;
  k: Uint8Array;
  w: Float64Array;
}

/** Slopes of the logarithms, 1/T for the temperature: rows that are all right would ask for infinity, rows of noise for 0. */
const SLOPES = { low: LEAST_SHARE, high: 10 };

/**
 * The calibrator of one kind with the least log-loss on `y` (N) and `raw` (N, 3), rows that the model's fit did not use. Every
 * loss is convex in what is fitted (1/T for the temperature), so there is one answer, and it is the same on every run. It keeps at
 * least `LEAST_SHARE` of the model.
 * Rows of a class without prior, which training lacked, are left out: no calibrator can learn to say it.
 *
 * @throws FoldwiseError `data.one_class` if `y` holds fewer than two classes (not for `none`), and those of `checkScored`,
 *   `data.bad_prior`, `data.bad_weight`, `data.bad_effective_labels`.
 */
export function fitCalibrator(
  kind: CalibratorKind,
  y: Int8Array,
  raw: Probabilities,
  options: CalibratorFit,
): Calibrator {
  const { prior, effectiveLabels = y.length } = options;
  checkScored(y, raw);
  checkPrior(prior);
  if (options.weights !== undefined) checkWeights(options.weights, y.length);
  checkEffectiveLabels(effectiveLabels);
  if (kind === "none") return { kind };
  requireTwoClasses(y, prior);
  const rows = fitRows(y, raw, options);
  switch (kind) {
    case "temperature":
      return { kind, temperature: 1 / powerOf(rows, [0, 0, 0]) };
    case "pool":
      return { kind, power: powerOf(rows, [...logs(prior)]), prior };
    case "prior":
      return { kind, lambda: lambdaOf(rows, prior), prior };
    case "vector":
      return { kind, ...fitVector(rows, effectiveLabels) };
  }
}

/** @throws FoldwiseError `data.bad_effective_labels`. */
export function checkEffectiveLabels(effectiveLabels: number): void {
  if (effectiveLabels > 0 && effectiveLabels < Number.POSITIVE_INFINITY) return;
  throw new FoldwiseError(
    "data.bad_effective_labels",
    `Got ${effectiveLabels} effective labels; there must be more than 0.`,
    {
      remedy: "Give the sum of the rows' average uniqueness.",
    },
  );
}

/** The classes of `y` that training had. */
export const trainedClasses = (y: Int8Array, prior: ClassShares): Label[] =>
  classesIn(y).filter((label) => prior[(label + 1) as 0 | 1 | 2] > 0);

/** @throws FoldwiseError `data.one_class`. */
export function requireTwoClasses(y: Int8Array, prior: ClassShares): void {
  const classes = trainedClasses(y, prior);
  if (classes.length >= 2) return;
  const found = classes.length === 1 ? `only class ${classes[0]}` : "no class that training had";
  throw new FoldwiseError("data.one_class", `The ${y.length} rows to calibrate on hold ${found}.`, {
    remedy: "Use more rows to calibrate on, another horizon or other barriers (label.k), or calibration: none.",
    details: { classes },
  });
}

function fitRows(y: Int8Array, raw: Probabilities, { prior, weights }: CalibratorFit): FitRows {
  const kept = Int32Array.from(y.keys()).filter((i) => prior[(y[i]! + 1) as 0 | 1 | 2] > 0);
  const rows = { l: logs(rowsAt(raw, kept)), k: new Uint8Array(kept.length), w: new Float64Array(kept.length) };
  let total = 0;
  for (const i of kept) total += weights?.[i] ?? 1;
  for (let j = 0; j < kept.length; j++) {
    rows.k[j] = y[kept[j]!]! + 1;
    rows.w[j] = (weights?.[kept[j]!] ?? 1) / total;
  }
  return rows;
}

/** The a of softmax(base + a (l − base)) with the least loss. */
function powerOf({ l, k, w }: FitRows, base: readonly number[]): number {
  const slopeAt = (a: number): Slope => {
    let [first, second] = [0, 0];
    const z = [0, 0, 0];
    for (let i = 0; i < k.length; i++) {
      for (let c = 0; c < CLASS_COUNT; c++) z[c] = base[c]! + a * (l[3 * i + c]! - base[c]!);
      const top = Math.max(z[0]!, z[1]!, z[2]!);
      let [total, mean, square] = [0, 0, 0];
      // Counted from the true class, so that the slope keeps its digits where the model is sure and right.
      const truth = l[3 * i + k[i]!]! - base[k[i]!]!;
      for (let c = 0; c < CLASS_COUNT; c++) {
        const share = Math.exp(z[c]! - top);
        const off = l[3 * i + c]! - base[c]! - truth;
        total += share;
        mean += share * off;
        square += share * off * off;
      }
      mean /= total;
      first += w[i]! * mean;
      second += w[i]! * (square / total - mean * mean);
    }
    return { first, second };
  };
  return convexMinimum(slopeAt, { ...SLOPES, start: 1 });
}

/** The λ of (1 − λ) raw + λ prior with the least loss. */
function lambdaOf({ l, k, w }: FitRows, prior: ClassShares): number {
  const slopeAt = (lambda: number): Slope => {
    let [first, second] = [0, 0];
    for (let i = 0; i < k.length; i++) {
      const raw = Math.exp(l[3 * i + k[i]!]!);
      const change = prior[k[i] as 0 | 1 | 2] - raw;
      const ratio = change / (raw + lambda * change);
      first -= w[i]! * ratio;
      second += w[i]! * ratio * ratio;
    }
    return { first, second };
  };
  return convexMinimum(slopeAt, { low: 0, high: 1 - LEAST_SHARE, start: 0.5 });
}
