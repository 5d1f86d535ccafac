import { CLASS_COUNT } from "../../types/index.js";
import type { BaseAnswers } from "./bases.js";
import { META_FLOOR } from "./metaFeatures.js";
import type { Expansion } from "./newton.js";

/** What the formula at `fitMetaLogistic` needs. */
export interface MetaCoefficients {
  /** (B) of one coefficient, or of one for each of −1, 0, 1. */
  coefficients: number[][];
  /** Of −1, 0, 1. */
  bias: number[];
}

/** (N, 3, B): log-probabilities clipped at `META_FLOOR`, less their mean over the classes of a row. */
export function centredLogs(bases: readonly BaseAnswers[]): Float64Array {
  const count = bases.length;
  const logs = new Float64Array(bases[0]!.p.length * count);
  bases.forEach(({ p }, b) => {
    for (let row = 0; row < p.length; row += CLASS_COUNT) {
      let mean = 0;
      for (let k = 0; k < CLASS_COUNT; k++) {
        const log = Math.log(Math.max(p[row + k]!, META_FLOOR));
        logs[(row + k) * count + b] = log;
        mean += log / CLASS_COUNT;
      }
      for (let k = 0; k < CLASS_COUNT; k++) logs[(row + k) * count + b]! -= mean;
    }
  });
  return logs;
}

/** (N, 3) of the formula at `fitMetaLogistic`. */
export function probabilitiesOf(model: MetaCoefficients, logs: Float64Array): Float64Array {
  const count = model.coefficients.length;
  const p = new Float64Array(logs.length / count);
  const weights = model.bias.map((_, k) => model.coefficients.map((own) => own[own.length === 1 ? 0 : k]!));
  for (let at = 0; at < p.length; at++) {
    const k = at % CLASS_COUNT;
    const own = weights[k]!;
    let z = model.bias[k]!;
    for (let b = 0; b < count; b++) z += own[b]! * logs[at * count + b]!;
    p[at] = z;
  }
  for (let row = 0; row < p.length; row += CLASS_COUNT) softmaxInPlace(p, row);
  return p;
}

/** Turns the 3 values from `row` on into probabilities; returns log Σ exp. */
function softmaxInPlace(z: Float64Array, row: number): number {
  const [a, b, c] = [z[row]!, z[row + 1]!, z[row + 2]!];
  const top = Math.max(a, b, c);
  const total = Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top);
  const norm = top + Math.log(total);
  z[row] = Math.exp(a - norm);
  z[row + 1] = Math.exp(b - norm);
  z[row + 2] = Math.exp(c - norm);
  return norm;
}

/** The parameters are w (B, 1 or 3) row-major and then the 3 biases. */
export interface MetaProblem {
  y: Int8Array;
  /** (N, 3, B) */
  logs: Float64Array;
  /** B. */
  count: number;
  /** Coefficients a base. */
  classes: number;
  /** (N), mean 1. */
  weights: Float64Array;
  /** strength / effective labels. */
  ridge: number;
  /** Where the ridge draws to. */
  equal: Float64Array;
}

/** z (3) of row `i`, into `z`. */
function logits({ logs, count, classes }: MetaProblem, at: Float64Array, i: number, z: Float64Array): void {
  for (let k = 0; k < CLASS_COUNT; k++) {
    let sum = at[count * classes + k]!;
    const own = classes === 1 ? 0 : k;
    for (let b = 0; b < count; b++) sum += at[b * classes + own]! * logs[(3 * i + k) * count + b]!;
    z[k] = sum;
  }
}

/** The ridge of parameter `d`: squares of several coefficients of a base are averaged. */
const ridgeOf = ({ ridge, count, classes }: MetaProblem, d: number): number =>
  d < count * classes ? ridge / classes : ridge;

/** The penalised mean loss; nats. */
export function objective(problem: MetaProblem, at: Float64Array): number {
  const { y, weights, equal } = problem;
  const z = new Float64Array(CLASS_COUNT);
  let loss = 0;
  for (let i = 0; i < y.length; i++) {
    logits(problem, at, i, z);
    const right = z[y[i]! + 1]!;
    loss += weights[i]! * (softmaxInPlace(z, 0) - right);
  }
  let penalty = 0;
  for (let d = 0; d < at.length; d++) penalty += (ridgeOf(problem, d) / 2) * (at[d]! - equal[d]!) ** 2;
  return loss / y.length + penalty;
}

export function expand(problem: MetaProblem, at: Float64Array): Expansion {
  const { y, logs, count, classes, weights, equal } = problem;
  const size = at.length;
  const n = y.length;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const p = new Float64Array(CLASS_COUNT);
  /** (D) derivative of z_k, and their mean under p. */
  const slope = new Float64Array(size);
  const mean = new Float64Array(size);
  for (let i = 0; i < n; i++) {
    logits(problem, at, i, p);
    softmaxInPlace(p, 0);
    mean.fill(0);
    const share = weights[i]! / n;
    for (let k = 0; k < CLASS_COUNT; k++) {
      slope.fill(0);
      const own = classes === 1 ? 0 : k;
      for (let b = 0; b < count; b++) slope[b * classes + own] = logs[(3 * i + k) * count + b]!;
      slope[count * classes + k] = 1;
      const error = p[k]! - (k === y[i]! + 1 ? 1 : 0);
      for (let d = 0; d < size; d++) {
        gradient[d]! += error * slope[d]! * share;
        mean[d]! += p[k]! * slope[d]!;
      }
      addOuter(hessian, slope, p[k]! * share);
    }
    addOuter(hessian, mean, -share);
  }
  for (let d = 0; d < size; d++) {
    for (let e = 0; e < d; e++) hessian[e * size + d] = hessian[d * size + e]!;
    hessian[d * size + d]! += ridgeOf(problem, d);
    gradient[d]! += ridgeOf(problem, d) * (at[d]! - equal[d]!);
  }
  return { gradient, hessian };
}

/** Adds `scale` · v vᵀ to the lower triangle of a symmetric matrix. */
function addOuter(matrix: Float64Array, v: Float64Array, scale: number): void {
  const size = v.length;
  for (let d = 0; d < size; d++) {
    const part = scale * v[d]!;
    if (part === 0) continue;
    for (let e = 0; e <= d; e++) matrix[d * size + e]! += part * v[e]!;
  }
}
