import { CLASS_COUNT } from "../../types/index.js";
import { LEAST_SHARE, type Triple } from "./calibrator.js";
import type { FitRows } from "./fit.js";
import { boundedMinimum, type Surface } from "./minimise.js";

/** Holds scale to 1 and bias to 0 as a normal prior of deviation 1/2 about them would; with many labels it is not felt. */
export const VECTOR_RIDGE = 4;

/**
 * Vector scaling: the scale ≥ 0.01 and bias of softmax(scale · l + bias) that minimise the mean log-loss
 * + VECTOR_RIDGE / (2 n) Σ ((scale − 1)² + bias²), n the effective labels. The ridge also settles the bias that is common to all classes.
 */
export function fitVector(rows: FitRows, n: number): { scale: Triple; bias: Triple } {
  const start = Float64Array.of(1, 1, 1, 0, 0, 0);
  const free = Number.NEGATIVE_INFINITY;
  const [a, b, c, d, e, f] = boundedMinimum((x) => surfaceOf(rows, x, start, VECTOR_RIDGE / n), start, [
    LEAST_SHARE,
    LEAST_SHARE,
    LEAST_SHARE,
    free,
    free,
    free,
  ]);
  return { scale: [a!, b!, c!], bias: [d!, e!, f!] };
}

const SIZE = 2 * CLASS_COUNT;

function surfaceOf({ l, k, w }: FitRows, x: Float64Array, centre: Float64Array, ridge: number): Surface {
  let value = 0;
  const gradient = new Float64Array(SIZE);
  const hessian = new Float64Array(SIZE * SIZE);
  const [z, p] = [new Float64Array(CLASS_COUNT), new Float64Array(CLASS_COUNT)];
  for (let i = 0; i < k.length; i++) {
    for (let c = 0; c < CLASS_COUNT; c++) z[c] = x[c]! * l[3 * i + c]! + x[c + CLASS_COUNT]!;
    const top = Math.max(z[0]!, z[1]!, z[2]!);
    let total = 0;
    for (let c = 0; c < CLASS_COUNT; c++) total += p[c] = Math.exp(z[c]! - top);
    value += w[i]! * (Math.log(total) + top - z[k[i]!]!);
    for (let c = 0; c < CLASS_COUNT; c++) {
      p[c]! /= total;
      const residual = w[i]! * (p[c]! - (c === k[i]! ? 1 : 0));
      gradient[c]! += residual * l[3 * i + c]!;
      gradient[c + CLASS_COUNT]! += residual;
    }
    for (let c = 0; c < CLASS_COUNT; c++) {
      for (let d = 0; d < CLASS_COUNT; d++) {
        const bend = w[i]! * p[c]! * ((c === d ? 1 : 0) - p[d]!);
        const [lc, ld] = [l[3 * i + c]!, l[3 * i + d]!];
        hessian[c * SIZE + d]! += bend * lc * ld;
        hessian[c * SIZE + d + CLASS_COUNT]! += bend * lc;
        hessian[(c + CLASS_COUNT) * SIZE + d]! += bend * ld;
        hessian[(c + CLASS_COUNT) * SIZE + d + CLASS_COUNT]! += bend;
      }
    }
  }
  for (let j = 0; j < SIZE; j++) {
    const off = x[j]! - centre[j]!;
    value += (ridge / 2) * off * off;
    gradient[j]! += ridge * off;
    hessian[j * SIZE + j]! += ridge;
  }
  return { value, gradient, hessian };
}
