import { solvePositive } from "../cholesky.js";

/** First and second derivative of a function of one variable. */
export interface Slope {
  first: number;
  second: number;
}

/** What Newton's step would still gain; less is lost in rounding. */
const RESOLUTION = 1e-24;
const CLOSE = 1e-10;

/**
 * Where a convex function is least between `low` and `high`: Newton's method on its slope, kept inside a bracket that every step
 * makes smaller, and halving that where Newton would leave it or comes on slowly. Where nothing slopes, `start`.
 */
export function convexMinimum(
  slopeAt: (x: number) => Slope,
  { low, high, start }: Record<"low" | "high" | "start", number>,
): number {
  const [left, right] = [slopeAt(low).first, slopeAt(high).first];
  if (left === 0 && right === 0) return start;
  if (left >= 0) return low;
  if (right <= 0) return high;
  let x = start;
  let before = high - low;
  for (let step = 0; step < 200; step++) {
    const { first, second } = slopeAt(x);
    if (first * first <= RESOLUTION * second) return x;
    if (first < 0) low = x;
    else high = x;
    const newton = x - first / second;
    const slow = step % 3 === 2 && high - low > before / 2;
    if (step % 3 === 2) before = high - low;
    x = !slow && newton > low && newton < high ? newton : (low + high) / 2;
  }
  return x;
}

/** A function of several variables at a point; `hessian` is row-major. */
export interface Surface {
  value: number;
  gradient: Float64Array;
  hessian: Float64Array;
}

/**
 * Where a strictly convex function is least among the points of which no coordinate is below its lower bound: projected Newton
 * with halved steps (Bertsekas, Projected Newton Methods, 1982). Coordinates that lie on their bound and would go below it rest.
 */
export function boundedMinimum(
  surfaceAt: (x: Float64Array) => Surface,
  start: Float64Array,
  lower: readonly number[],
): Float64Array {
  let x = start.slice();
  let here = surfaceAt(x);
  for (let step = 0; step < 100; step++) {
    const free = [...x.keys()].filter((k) => x[k]! > lower[k]! || here.gradient[k]! < 0);
    const direction = solve(here.hessian, here.gradient, free, x.length);
    const decrement = free.reduce((sum, k) => sum + here.gradient[k]! * direction[k]!, 0);
    if (!(decrement > RESOLUTION)) return x;
    let [size, moved] = [1, false];
    for (; size > 1e-10; size /= 2) {
      const next = x.map((value, k) => Math.max(value - size * direction[k]!, lower[k]!));
      const there = surfaceAt(next);
      const slope = x.reduce((sum, value, k) => sum + here.gradient[k]! * (value - next[k]!), 0);
      // Close by, where the value no longer changes in its digits, Newton's full steps still converge.
      if (there.value <= here.value - 1e-4 * slope || decrement < CLOSE) {
        [x, here, moved] = [next, there, true];
        break;
      }
    }
    if (!moved) return x;
  }
  return x;
}

/** H d = g over the free coordinates; the others stay 0. */
function solve(hessian: Float64Array, gradient: Float64Array, free: readonly number[], size: number): Float64Array {
  const inner = Float64Array.from(free.flatMap((k) => free.map((j) => hessian[k * size + j]!)));
  const d = solvePositive(
    inner,
    Float64Array.from(free, (k) => gradient[k]!),
  );
  const direction = new Float64Array(size);
  for (const [i, k] of free.entries()) direction[k] = d[i]!;
  return direction;
}
