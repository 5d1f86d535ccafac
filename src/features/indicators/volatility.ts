import { CHOP } from "trading-signals";
import { type Indicator, perPeriod, single } from "../indicator.js";
import { Smoothing, smoothingLength } from "../smoothing.js";
import { ROUNDING, ratio, Window } from "../window.js";
import { closeWindow, returnDeviation, returnWindow, trueRange } from "./common.js";

/** Root of the mean of a bar's variance estimate over n bars. */
function rootMean(n: number, estimate: (open: number, high: number, low: number, close: number) => number) {
  const values = new Window(n);
  return {
    push(bar: { open: number; high: number; low: number; close: number }): number {
      values.push(estimate(bar.open, bar.high, bar.low, bar.close));
      return Math.sqrt(values.sum() / n);
    },
  };
}

export const VOLATILITY: Indicator[] = [
  perPeriod({
    id: "volatility",
    group: "volatility",
    description: "Standard deviation of one-bar log returns over n bars.",
    base: [10, 20, 60],
    higher: [10],
    min: 2,
    formula: (n) => `sample standard deviation of the last ${n} one-bar log returns`,
    lookback: (n) => n + 1,
    create: (n, scope) => ({ push: returnDeviation(scope, n) }),
  }),
  perPeriod({
    id: "parkinson",
    group: "volatility",
    description: "Parkinson's (1980) volatility from highs and lows over n bars.",
    base: [10, 20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `√( mean of ln(high / low)² over ${n} bars / (4 ln 2) ) (Parkinson 1980)`,
    lookback: (n) => n,
    create: (n) => rootMean(n, (_, high, low) => Math.log(high / low) ** 2 / (4 * Math.LN2)),
  }),
  perPeriod({
    id: "garman_klass",
    group: "volatility",
    description: "Garman and Klass' (1980) volatility over n bars.",
    base: [10, 20, 60],
    higher: [],
    min: 1,
    formula: (n) =>
      `√( mean of ½ ln(high / low)² − (2 ln 2 − 1) ln(close / open)² over ${n} bars ) (Garman, Klass 1980)`,
    lookback: (n) => n,
    create: (n) =>
      rootMean(n, (open, high, low, close) =>
        Math.max(0, 0.5 * Math.log(high / low) ** 2 - (2 * Math.LN2 - 1) * Math.log(close / open) ** 2),
      ),
  }),
  single({
    id: "true_range",
    group: "volatility",
    description: "True range over the close.",
    higher: true,
    formula: "(max(high, last close) − min(low, last close)) / close",
    lookback: 2,
    create(scope) {
      const range = trueRange(scope);
      return { push: (bar) => range(bar) / bar.close };
    },
  }),
  perPeriod({
    id: "natr",
    group: "volatility",
    description: "Normalised average true range (Wilder) over n bars.",
    base: [14],
    higher: [],
    min: 1,
    formula: (n) => `100 × ATR_${n} / close, Wilder smoothing (TA-Lib NATR)`,
    lookback: (n) => smoothingLength("wilder", n) + 1,
    create(n, scope) {
      const range = trueRange(scope);
      const smoothing = new Smoothing("wilder", n);
      return { push: (bar) => (100 * smoothing.amount(range(bar))) / bar.close };
    },
  }),
  perPeriod({
    id: "volatility_ratio",
    group: "volatility",
    description: "Volatility of the last n bars over that of the last 6 n.",
    base: [10],
    higher: [],
    min: 2,
    formula: (n) => `volatility_${n} / volatility_${6 * n}; 1 where the latter is 0`,
    lookback: (n) => 6 * n + 1,
    create(n, scope) {
      const short = returnDeviation(scope, n);
      const long = returnDeviation(scope, 6 * n);
      return { push: (bar) => ratio(short(bar), long(bar), 1, ROUNDING) };
    },
  }),
  perPeriod({
    id: "bollinger_width",
    group: "volatility",
    description: "Width of the Bollinger bands (2 deviations) over n bars.",
    base: [20],
    higher: [],
    min: 2,
    formula: (n) => `(upper − lower) / middle band, ${n} bars, 2 population deviations`,
    lookback: (n) => n,
    create(n, scope) {
      const window = closeWindow(scope, n);
      return {
        push(bar) {
          const closes = window(bar);
          return (4 * closes.std("population")) / closes.mean();
        },
      };
    },
  }),
  perPeriod({
    id: "skewness",
    group: "volatility",
    description: "Skewness of one-bar log returns over n bars.",
    base: [60],
    higher: [],
    min: 3,
    formula: (n) => `third standardised moment of the last ${n} one-bar log returns; 0 where they are constant`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const window = returnWindow(scope, n);
      return {
        push(bar) {
          const returns = window(bar);
          const mean = returns.mean();
          const deviation = Math.sqrt(returns.moment(mean, 2) / n);
          return deviation > ROUNDING ? returns.moment(mean, 3) / n / deviation ** 3 : 0;
        },
      };
    },
  }),
  perPeriod({
    id: "choppiness",
    group: "volatility",
    description: "Choppiness index over n bars: 100 sideways, 0 straight.",
    base: [14],
    higher: [],
    min: 2,
    formula: (n) =>
      `100 × log10( Σ true range / (highest true high − lowest true low) ) / log10(${n}), over ${n} bars; 100 without range`,
    lookback: (n) => n + 1,
    create(n) {
      const indicator = new CHOP(n);
      return { push: (bar) => indicator.add(bar) ?? Number.NaN };
    },
  }),
];
