import type { Bars } from "../types/index.js";

/** The columns of bars that a barrier looks at; a simulated continuation has these and no more. */
export type PricePath = Pick<Bars, "open" | "high" | "low" | "close">;

/**
 * Average true range with Wilder's smoothing (New Concepts in Technical Trading Systems, 1978): the first value is the mean of
 * the first `period` true ranges, then `atr += (tr − atr) / period`. Causal: value t uses bars up to t.
 *
 * The first bar of a `piece` has no previous close of its own, so its true range is high − low: the jump over a hole in the
 * data is not volatility. The smoothing itself goes on.
 *
 * @returns (N) in price units; NaN for the first `period − 1` bars.
 */
export function wilderAtr(
  bars: Pick<Bars, "n" | "high" | "low" | "close">,
  period: number,
  piece?: Int32Array,
): Float64Array {
  const { n, high, low, close } = bars;
  const atr = new Float64Array(n).fill(Number.NaN);
  let sum = 0;
  let value = Number.NaN;
  for (let t = 0; t < n; t++) {
    let range = high[t]! - low[t]!;
    if (t > 0 && (piece === undefined || piece[t] === piece[t - 1])) {
      const previous = close[t - 1]!;
      range = Math.max(range, Math.abs(high[t]! - previous), Math.abs(low[t]! - previous));
    }
    if (t < period) {
      sum += range;
      if (t === period - 1) value = sum / period;
    } else {
      value += (range - value) / period;
    }
    atr[t] = value;
  }
  return atr;
}
