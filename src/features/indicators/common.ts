import type { Bar } from "../../types/index.js";
import { shared } from "../scope.js";
import { Smoothing } from "../smoothing.js";
import { ROUNDING, Window } from "../window.js";

/** (high + low + close) / 3. */
export function typicalPrice(bar: Bar): number {
  return (bar.high + bar.low + bar.close) / 3;
}

/** The close before this bar's; its own at the very first bar. */
export const lastClose = shared(() => {
  let last: number | undefined;
  return (bar) => {
    const value = last ?? bar.close;
    last = bar.close;
    return value;
  };
});

/** Change of the close, in price units; closes that differ by rounding only have not changed. */
export const closeChange = shared((_, scope) => {
  const before = lastClose(scope);
  return (bar) => {
    const change = bar.close - before(bar);
    return Math.abs(change) > ROUNDING * bar.close ? change : 0;
  };
});

/** One-bar log return. */
export const oneBarReturn = shared((_, scope) => {
  const before = lastClose(scope);
  return (bar) => Math.log(bar.close / before(bar));
});

/** True range in price units; the plain range at the very first bar. */
export const trueRange = shared((_, scope) => {
  const before = lastClose(scope);
  return (bar) => {
    const close = before(bar);
    return Math.max(bar.high, close) - Math.min(bar.low, close);
  };
});

/** The last n closes. */
export const closeWindow = shared((n) => {
  const window = new Window(n);
  return (bar) => {
    window.push(bar.close);
    return window;
  };
});

/** The last n volumes. */
export const volumeWindow = shared((n) => {
  const window = new Window(n);
  return (bar) => {
    window.push(bar.volume);
    return window;
  };
});

/** The last n one-bar log returns. */
export const returnWindow = shared((n, scope) => {
  const oneBar = oneBarReturn(scope);
  const window = new Window(n);
  return (bar) => {
    window.push(oneBar(bar));
    return window;
  };
});

/** Standard deviation of the last n one-bar log returns. */
export const returnDeviation = shared((n, scope) => {
  const returns = returnWindow(scope, n);
  return (bar) => returns(bar).std();
});

/** Highest high and lowest low of the last n bars. */
export const extremes = shared((n) => {
  const highs = new Window(n);
  const lows = new Window(n);
  return (bar) => {
    highs.push(bar.high);
    lows.push(bar.low);
    return { high: highs.max(), low: lows.min() };
  };
});

/** Exponential average of the close over n bars. */
export const closeEma = shared((n) => {
  const smoothing = new Smoothing("ema", n);
  return (bar) => smoothing.level(bar.close);
});
