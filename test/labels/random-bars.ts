import fc from "fast-check";
import { type Bars, MICROS_PER_MINUTE, seededRandom } from "../../src/types/index.js";

/** Bars with gaps between close and open, wide and narrow ranges; every price distinct, so that rounding decides nothing. */
export function randomBars(n: number, seed: number): Bars {
  const random = seededRandom(seed);
  const column = (): Float64Array => new Float64Array(n);
  const bars: Bars = {
    n,
    timestamp: Float64Array.from({ length: n }, (_, t) => (t + 1) * MICROS_PER_MINUTE),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: new Float64Array(n).fill(1),
  };
  let price = 100;
  for (let t = 0; t < n; t++) {
    const open = price * Math.exp((random.next() < 0.2 ? 0.01 : 0.0005) * random.normal());
    const close = open * Math.exp(0.003 * random.normal());
    bars.open[t] = open;
    bars.close[t] = close;
    bars.high[t] = Math.max(open, close) * (1 + 0.002 * random.next());
    bars.low[t] = Math.min(open, close) * (1 - 0.002 * random.next());
    price = close;
  }
  return bars;
}

/** (N) piece ids that rise at random rows, about one in `every`. */
export function randomPieces(n: number, seed: number, every: number): Int32Array {
  const random = seededRandom(seed);
  let id = 0;
  return Int32Array.from({ length: n }, () => (random.int(every) === 0 ? ++id : id));
}

export const seeds = fc.integer({ min: 1, max: 2 ** 31 });
export const entries = fc.constantFrom("next_open" as const, "close" as const);
