import { CLASS_COUNT } from "../../types/index.js";
import type { Probabilities } from "../losses.js";
import { applyCalibrator, type Triple } from "./calibrator.js";

/** Every kind of calibrator as one formula: (1 − prior_share) softmax(slope ln p + offset) + prior_share prior, classes −1, 0, 1. */
export interface CalibratorForm {
  slope: Triple;
  offset: Triple;
  prior_share: number;
  prior: Triple;
}

/** The formula, computed in float64: probabilities (N, 3) → (N, 3). Null: as they are. */
export function applyCalibratorForm(p: Float32Array, form: CalibratorForm | null): Float32Array;
export function applyCalibratorForm(p: Probabilities, form: CalibratorForm | null): Probabilities;
export function applyCalibratorForm(p: Probabilities, form: CalibratorForm | null): Probabilities {
  if (form === null) return p;
  const { slope, offset, prior_share: share, prior } = form;
  const moved = applyCalibrator({ kind: "vector", scale: slope, bias: offset }, p);
  return Float32Array.from(moved, (q, i) => (1 - share) * q + share * prior[i % CLASS_COUNT]!);
}

/** Probabilities (N, 3) learned under balanced class weights, times the factors that undo them, each row renormalised. Null: as they are. */
export function applyClassScale(p: Float32Array, scale: Readonly<Triple> | null): Float32Array {
  if (scale === null) return p;
  const out = new Float32Array(p.length);
  for (let i = 0; i < p.length; i += 3) {
    const [a, b, c] = [p[i]! * scale[0], p[i + 1]! * scale[1], p[i + 2]! * scale[2]];
    const sum = a + b + c;
    out[i] = a / sum;
    out[i + 1] = b / sum;
    out[i + 2] = c / sum;
  }
  return out;
}
