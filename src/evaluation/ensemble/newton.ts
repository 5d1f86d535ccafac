import { solvePositive } from "../cholesky.js";

/** Derivatives of a smooth convex function at one place. */
export interface Expansion {
  /** (D) */
  gradient: Float64Array;
  /** (D, D) row-major, symmetric and positive definite. */
  hessian: Float64Array;
}

const ENOUGH = 1e-13;
const MOST_STEPS = 200;

/**
 * Damped Newton steps (Boyd and Vandenberghe, Convex Optimization, 2004, algorithm 9.5): halved until the value falls enough,
 * ended when half the squared Newton decrement, which estimates what is left, is under 1e-13 or rounding hides any gain.
 *
 * @param start (D) where the function is finite; it may be infinite elsewhere.
 * @returns (D)
 */
export function newtonMinimum(
  start: Float64Array,
  { expand, value }: { expand: (at: Float64Array) => Expansion; value: (at: Float64Array) => number },
): Float64Array {
  let at = start;
  for (let done = 0; done < MOST_STEPS; done++) {
    const { gradient, hessian } = expand(at);
    const before = value(at);
    const step = solvePositive(hessian, gradient);
    const decrement = step.reduce((sum, part, d) => sum + part * gradient[d]!, 0);
    if (decrement / 2 <= ENOUGH) break;
    let size = 1;
    let next = moved(at, step, size);
    while (size > 1e-10 && !(value(next) <= before - 1e-4 * size * decrement)) {
      size /= 2;
      next = moved(at, step, size);
    }
    if (size <= 1e-10) break;
    at = next;
  }
  return at;
}

const moved = (at: Float64Array, step: Float64Array, size: number): Float64Array =>
  at.map((value, d) => value - size * step[d]!);
