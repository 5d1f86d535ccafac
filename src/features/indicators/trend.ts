import { VortexIndicator } from "trading-signals";
import type { FeatureState } from "../definition.js";
import { type Indicator, type IndicatorOutput, perPeriod } from "../indicator.js";
import { type Scope, shared } from "../scope.js";
import { Smoothing, smoothingLength } from "../smoothing.js";
import { ROUNDING, ratio, Window } from "../window.js";
import { closeChange, closeEma, closeWindow, extremes } from "./common.js";
import { linearFit } from "./linear-fit.js";

const MACD = { fast: 12, slow: 26, signal: 9 };

/** MACD's line and signal in price units. */
const macdLines = shared((_, scope) => {
  const fast = closeEma(scope, MACD.fast);
  const slow = closeEma(scope, MACD.slow);
  const signal = new Smoothing("ema", MACD.signal);
  return (bar) => {
    const line = fast(bar) - slow(bar);
    return { line, signal: signal.level(line) };
  };
});

/** One of them over the close. */
function macd(value: (line: number, signal: number) => number): (scope: Scope) => FeatureState {
  return (scope) => {
    const lines = macdLines(scope);
    return {
      push(bar) {
        const { line, signal } = lines(bar);
        return value(line, signal) / bar.close;
      },
    };
  };
}

/**
 * Bars since the highest high and the lowest low of the last n + 1. Own code: `trading-signals` compares exactly, and
 * which of two equal highs is the higher must not hang on rounding.
 */
const sinceExtremes = shared((n, scope) => {
  const channel = extremes(scope, n + 1);
  const highs = new Window(n + 1);
  const lows = new Window(n + 1);
  return (bar) => {
    highs.push(bar.high);
    lows.push(bar.low);
    const { high, low } = channel(bar);
    const floor = ROUNDING * bar.close;
    let [up, down] = [0, 0];
    while (up < n && highs.ago(up) < high - floor) up++;
    while (down < n && lows.ago(down) > low + floor) down++;
    return { up, down };
  };
});

const macdLookback = smoothingLength("ema", MACD.slow);
const signalLookback = macdLookback + smoothingLength("ema", MACD.signal) - 1;
const macdOutputs: IndicatorOutput[] = [
  {
    name: "macd_line",
    formula: "(EMA_12(close) − EMA_26(close)) / close",
    lookback: macdLookback,
    create: macd((line) => line),
  },
  {
    name: "macd_signal",
    formula: "EMA_9(EMA_12(close) − EMA_26(close)) / close",
    lookback: signalLookback,
    create: macd((_, signal) => signal),
  },
  {
    name: "macd_histogram",
    formula: "macd_line − macd_signal",
    lookback: signalLookback,
    create: macd((line, signal) => line - signal),
  },
];

export const TREND: Indicator[] = [
  perPeriod({
    id: "sma_distance",
    group: "trend",
    description: "Distance of the close to its simple average over n bars.",
    base: [10, 20, 50],
    higher: [10],
    min: 2,
    formula: (n) => `close / SMA_${n}(close) − 1`,
    lookback: (n) => n,
    create(n, scope) {
      const closes = closeWindow(scope, n);
      return { push: (bar) => bar.close / closes(bar).mean() - 1 };
    },
  }),
  perPeriod({
    id: "ema_distance",
    group: "trend",
    description: "Distance of the close to its exponential average over n bars.",
    base: [10, 20, 50],
    higher: [],
    min: 2,
    formula: (n) => `close / EMA_${n}(close) − 1`,
    lookback: (n) => smoothingLength("ema", n),
    create(n, scope) {
      const ema = closeEma(scope, n);
      return { push: (bar) => bar.close / ema(bar) - 1 };
    },
  }),
  perPeriod({
    id: "ema_slope",
    group: "trend",
    description: "One-bar change of the exponential average over n bars.",
    base: [10, 20, 50],
    higher: [],
    min: 2,
    formula: (n) => `EMA_${n}(close) / EMA_${n}(close) 1 bar ago − 1`,
    lookback: (n) => smoothingLength("ema", n) + 1,
    create(n, scope) {
      const ema = closeEma(scope, n);
      let previous = Number.NaN;
      return {
        push(bar) {
          const value = ema(bar);
          const slope = value / previous - 1;
          previous = value;
          return slope;
        },
      };
    },
  }),
  {
    kind: "switch",
    id: "macd",
    group: "trend",
    description: "Moving average convergence divergence (12, 26, 9): line, signal and histogram over the close.",
    base: true,
    higher: false,
    features: () => macdOutputs,
  },
  {
    kind: "periods",
    id: "aroon",
    group: "trend",
    description: "Aroon up and down over n bars.",
    base: [25],
    higher: [],
    min: 1,
    features: (n) =>
      (["up", "down"] as const).map((side) => ({
        name: `aroon_${side}_${n}`,
        formula: `100 × (${n} − bars since the ${side === "up" ? "highest high" : "lowest low"} of the last ${n + 1}) / ${n}`,
        lookback: n + 1,
        create(scope) {
          const since = sinceExtremes(scope, n);
          return { push: (bar) => (100 * (n - since(bar)[side])) / n };
        },
      })),
  },
  perPeriod({
    id: "vortex",
    group: "trend",
    description: "Vortex indicator over n bars: VI+ − VI−.",
    base: [14],
    higher: [],
    min: 1,
    formula: (n) => `(Σ |high − last low| − Σ |low − last high|) / Σ true range over ${n} bars; 0 without range`,
    lookback: (n) => n + 1,
    create(n) {
      const indicator = new VortexIndicator(n);
      return {
        push(bar) {
          const result = indicator.add(bar);
          return result === null ? Number.NaN : result.plus - result.minus;
        },
      };
    },
  }),
  perPeriod({
    id: "linreg_slope",
    group: "trend",
    description: "Slope of the regression line through the log closes of n bars.",
    base: [20],
    higher: [10],
    min: 3,
    formula: (n) => `least-squares slope of ln(close) a bar, over ${n} bars`,
    lookback: (n) => n,
    create(n, scope) {
      const line = linearFit(scope, n);
      return { push: (bar) => line(bar).slope };
    },
  }),
  perPeriod({
    id: "linreg_r2",
    group: "trend",
    description: "How straight the log closes of n bars are (R² of the regression line).",
    base: [20],
    higher: [],
    min: 3,
    formula: (n) => `R² of the least-squares line through ln(close), over ${n} bars; 0 for flat prices`,
    lookback: (n) => n,
    create(n, scope) {
      const line = linearFit(scope, n);
      return { push: (bar) => line(bar).r2 };
    },
  }),
  perPeriod({
    id: "efficiency_ratio",
    group: "trend",
    description: "Kaufman's efficiency ratio over n bars: net move over path.",
    base: [20],
    higher: [10],
    min: 1,
    formula: (n) => `|close − close ${n} bars ago| / Σ |change of close| over ${n} bars; 0 where it did not move`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const closes = closeWindow(scope, n + 1);
      const change = closeChange(scope);
      const moves = new Window(n);
      return {
        push(bar) {
          moves.push(Math.abs(change(bar)));
          return ratio(Math.abs(bar.close - closes(bar).oldest), moves.sum(), 0, ROUNDING * bar.close);
        },
      };
    },
  }),
];
