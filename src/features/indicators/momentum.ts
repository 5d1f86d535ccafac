import { CMO, UltimateOscillator } from "trading-signals";
import { type Indicator, type PeriodIndicator, perPeriod, single } from "../indicator.js";
import { shared } from "../scope.js";
import { Smoothing, smoothingLength } from "../smoothing.js";
import { ROUNDING, ratio, Window } from "../window.js";
import { closeChange, closeWindow, extremes, trueRange, typicalPrice } from "./common.js";

/** 100 × gains / (gains + losses) of averages in price units; 50 where the price did not move. */
function strength(gains: number, losses: number, close: number): number {
  return 100 * ratio(gains, gains + losses, 0.5, ROUNDING * close);
}

const SLOWING = 3;

/** Lane's slow stochastic: %K is the raw value averaged over 3 bars, %D that averaged over 3 bars. */
const stochastic = shared((n, scope) => {
  const channel = extremes(scope, n);
  const raw = new Window(SLOWING);
  const slow = new Window(SLOWING);
  return (bar) => {
    const { high, low } = channel(bar);
    raw.push(100 * ratio(bar.close - low, high - low, 0.5, ROUNDING * bar.close));
    slow.push(raw.mean());
    return slow;
  };
});

const stochasticIndicator: PeriodIndicator = {
  kind: "periods",
  id: "stoch",
  group: "momentum",
  description: "Slow stochastic %K and %D over n bars.",
  base: [14],
  higher: [],
  min: 1,
  features: (n) => [
    {
      name: `stoch_k_${n}`,
      formula: `mean over 3 bars of 100 × (close − lowest low) / (highest high − lowest low), each over ${n} bars; 50 without range`,
      lookback: n + SLOWING - 1,
      create(scope) {
        const slow = stochastic(scope, n);
        return { push: (bar) => slow(bar).newest };
      },
    },
    {
      name: `stoch_d_${n}`,
      formula: `mean of stoch_k_${n} over 3 bars`,
      lookback: n + 2 * (SLOWING - 1),
      create(scope) {
        const slow = stochastic(scope, n);
        return { push: (bar) => slow(bar).mean() };
      },
    },
  ],
};

/** The second, shorter period of the true strength index: 13 for 25, 7 for 13. */
function shortPeriod(n: number): number {
  return Math.ceil(n / 2);
}

export const MOMENTUM: Indicator[] = [
  perPeriod({
    id: "rsi",
    group: "momentum",
    description: "Relative strength index (Wilder) over n bars.",
    base: [7, 14, 28],
    higher: [14],
    min: 2,
    formula: (n) =>
      `100 × G / (G + L), Wilder averages of gains and losses, ${n} bars; 50 where the price did not move`,
    lookback: (n) => smoothingLength("wilder", n) + 1,
    create(n, scope) {
      const change = closeChange(scope);
      const gains = new Smoothing("wilder", n);
      const losses = new Smoothing("wilder", n);
      return {
        push(bar) {
          const move = change(bar);
          return strength(gains.amount(Math.max(move, 0)), losses.amount(Math.max(-move, 0)), bar.close);
        },
      };
    },
  }),
  perPeriod({
    id: "cutler_rsi",
    group: "momentum",
    description: "Relative strength index with simple averages (Cutler) over n bars: a short warm-up.",
    base: [],
    higher: [7],
    min: 1,
    formula: (n) =>
      `100 × G / (G + L), simple averages of gains and losses over ${n} bars; 50 where the price did not move`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const change = closeChange(scope);
      const gains = new Window(n);
      const losses = new Window(n);
      return {
        push(bar) {
          const move = change(bar);
          gains.push(Math.max(move, 0));
          losses.push(Math.max(-move, 0));
          return strength(gains.sum(), losses.sum(), bar.close);
        },
      };
    },
  }),
  stochasticIndicator,
  perPeriod({
    id: "williams_r",
    group: "momentum",
    description: "Williams' %R over n bars.",
    base: [14],
    higher: [],
    min: 1,
    formula: (n) => `−100 × (highest high − close) / (highest high − lowest low) over ${n} bars; −50 without range`,
    lookback: (n) => n,
    create(n, scope) {
      const channel = extremes(scope, n);
      return {
        push(bar) {
          const { high, low } = channel(bar);
          return -100 * ratio(high - bar.close, high - low, 0.5, ROUNDING * bar.close);
        },
      };
    },
  }),
  perPeriod({
    id: "cci",
    group: "momentum",
    description: "Commodity channel index over n bars.",
    base: [20],
    higher: [],
    min: 2,
    formula: (n) => `(typical price − mean) / (0.015 × mean deviation) over ${n} bars; 0 for flat prices`,
    lookback: (n) => n,
    create(n) {
      const prices = new Window(n);
      return {
        push(bar) {
          const price = typicalPrice(bar);
          prices.push(price);
          const mean = prices.mean();
          return ratio(price - mean, 0.015 * prices.meanDeviation(mean), 0, ROUNDING * price);
        },
      };
    },
  }),
  perPeriod({
    id: "roc",
    group: "momentum",
    description: "Rate of change over n bars, in percent.",
    base: [12],
    higher: [],
    min: 1,
    formula: (n) => `100 × (close / close ${n} bars ago − 1)`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const closes = closeWindow(scope, n + 1);
      return { push: (bar) => 100 * (bar.close / closes(bar).oldest - 1) };
    },
  }),
  perPeriod({
    id: "momentum",
    group: "momentum",
    description: "Price change over n bars in units of their average true range.",
    base: [10],
    higher: [],
    min: 1,
    formula: (n) => `(close − close ${n} bars ago) / mean true range of ${n} bars; 0 without range`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const closes = closeWindow(scope, n + 1);
      const range = trueRange(scope);
      const ranges = new Window(n);
      return {
        push(bar) {
          ranges.push(range(bar));
          return ratio(bar.close - closes(bar).oldest, ranges.sum() / n, 0, ROUNDING * bar.close);
        },
      };
    },
  }),
  perPeriod({
    id: "cmo",
    group: "momentum",
    description: "Chande's momentum oscillator over n bars.",
    base: [14],
    higher: [],
    min: 1,
    formula: (n) => `100 × (Σ gains − Σ losses) / (Σ gains + Σ losses) over ${n} bars; 0 where the price did not move`,
    lookback: (n) => n + 1,
    create(n) {
      const indicator = new CMO(n);
      return { push: (bar) => indicator.add(bar.close) ?? Number.NaN };
    },
  }),
  perPeriod({
    id: "tsi",
    group: "momentum",
    description: "True strength index: changes smoothed over n, then n/2 bars.",
    base: [25],
    higher: [],
    min: 2,
    formula: (n) =>
      `100 × EMA_${shortPeriod(n)}(EMA_${n}(Δ)) / EMA_${shortPeriod(n)}(EMA_${n}(|Δ|)), Δ = change of close; 0 where it did not move`,
    lookback: (n) => smoothingLength("ema", n) + smoothingLength("ema", shortPeriod(n)),
    create(n, scope) {
      const change = closeChange(scope);
      const [long, absLong] = [new Smoothing("ema", n), new Smoothing("ema", n)];
      const [short, absShort] = [new Smoothing("ema", shortPeriod(n)), new Smoothing("ema", shortPeriod(n))];
      return {
        push(bar) {
          const move = change(bar);
          const path = absShort.amount(absLong.amount(Math.abs(move)));
          return 100 * ratio(short.amount(long.amount(move)), path, 0, ROUNDING * bar.close);
        },
      };
    },
  }),
  single({
    id: "ultimate_oscillator",
    group: "momentum",
    description: "Williams' ultimate oscillator over 7, 14 and 28 bars.",
    higher: false,
    formula:
      "100 × (4 B7 + 2 B14 + B28) / 7, B = Σ buying pressure / Σ true range over that many bars; 50 without range",
    lookback: 29,
    create() {
      const indicator = new UltimateOscillator({ shortPeriod: 7, mediumPeriod: 14, longPeriod: 28 });
      return { push: (bar) => indicator.add(bar) ?? Number.NaN };
    },
  }),
  perPeriod({
    id: "trix",
    group: "momentum",
    description: "One-bar rate of change of a threefold EMA over n bars, in percent.",
    base: [9],
    higher: [],
    min: 2,
    formula: (n) => `100 × (E / E 1 bar ago − 1), E = EMA_${n}(EMA_${n}(EMA_${n}(close)))`,
    lookback: (n) => 3 * smoothingLength("ema", n) - 1,
    create(n) {
      const chain = [new Smoothing("ema", n), new Smoothing("ema", n), new Smoothing("ema", n)];
      let previous = Number.NaN;
      return {
        push(bar) {
          const value = chain.reduce((x, smoothing) => smoothing.level(x), bar.close);
          const change = 100 * (value / previous - 1);
          previous = value;
          return change;
        },
      };
    },
  }),
  perPeriod({
    id: "up_share",
    group: "momentum",
    description: "Share of the last n closes that rose (psychological line).",
    base: [20],
    higher: [],
    min: 1,
    formula: (n) => `share of the last ${n} bars that closed above the bar before; a bar that closed level counts half`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const change = closeChange(scope);
      const ups = new Window(n);
      return {
        push(bar) {
          ups.push((Math.sign(change(bar)) + 1) / 2);
          return ups.sum() / n;
        },
      };
    },
  }),
];
