import { CMF } from "trading-signals";
import { type Indicator, perPeriod } from "../indicator.js";
import { Smoothing, smoothingLength } from "../smoothing.js";
import { ROUNDING, ratio, Window } from "../window.js";
import { closeChange, oneBarReturn, returnWindow, typicalPrice, volumeWindow } from "./common.js";

export const VOLUME: Indicator[] = [
  perPeriod({
    id: "relative_volume",
    group: "volume",
    description: "Volume over its mean of n bars.",
    base: [20, 60],
    higher: [10],
    min: 2,
    formula: (n) => `volume / mean volume of ${n} bars; 1 where the latter is 0`,
    lookback: (n) => n,
    create(n, scope) {
      const volumes = volumeWindow(scope, n);
      return { push: (bar) => ratio(bar.volume, volumes(bar).sum() / n, 1) };
    },
  }),
  perPeriod({
    id: "volume_zscore",
    group: "volume",
    description: "Volume in standard deviations from its mean of n bars.",
    base: [20, 60],
    higher: [],
    min: 3,
    formula: (n) => `(volume − mean) / standard deviation, both over ${n} bars; 0 where volume is constant`,
    lookback: (n) => n,
    create(n, scope) {
      const window = volumeWindow(scope, n);
      return {
        push(bar) {
          const volumes = window(bar);
          const mean = volumes.mean();
          return ratio(bar.volume - mean, volumes.std(), 0, ROUNDING * mean);
        },
      };
    },
  }),
  perPeriod({
    id: "obv_slope",
    group: "volume",
    description: "Change of on-balance volume over n bars, over their volume.",
    base: [20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `Σ sign(change of close) × volume / Σ volume over ${n} bars; 0 without volume`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const change = closeChange(scope);
      const volumes = volumeWindow(scope, n);
      const signed = new Window(n);
      return {
        push(bar) {
          signed.push(Math.sign(change(bar)) * bar.volume);
          return ratio(signed.sum(), volumes(bar).sum(), 0);
        },
      };
    },
  }),
  perPeriod({
    id: "mfi",
    group: "volume",
    description: "Money flow index over n bars.",
    base: [14],
    higher: [],
    min: 1,
    formula: (n) => `100 × Σ positive / Σ all money flow (typical price × volume) over ${n} bars; 50 without flow`,
    lookback: (n) => n + 1,
    // Own code: `trading-signals` compares typical prices exactly, so that equal ones may differ by rounding once scaled.
    create(n) {
      const positive = new Window(n);
      const negative = new Window(n);
      let previous: number | undefined;
      return {
        push(bar) {
          const price = typicalPrice(bar);
          const change = price - (previous ?? price);
          const flow = Math.abs(change) > ROUNDING * price ? price * bar.volume : 0;
          previous = price;
          positive.push(change > 0 ? flow : 0);
          negative.push(change < 0 ? flow : 0);
          const gain = positive.sum();
          return 100 * ratio(gain, gain + negative.sum(), 0.5);
        },
      };
    },
  }),
  perPeriod({
    id: "cmf",
    group: "volume",
    description: "Chaikin money flow over n bars.",
    base: [20],
    higher: [],
    min: 1,
    formula: (n) => `Σ volume × (2 close − high − low) / (high − low) / Σ volume over ${n} bars; 0 without volume`,
    lookback: (n) => n,
    create(n) {
      const indicator = new CMF(n);
      return { push: (bar) => indicator.add(bar) ?? Number.NaN };
    },
  }),
  perPeriod({
    id: "vwap_distance",
    group: "volume",
    description: "Distance of the close to the volume-weighted average price of n bars.",
    base: [20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `close / (Σ typical price × volume / Σ volume over ${n} bars) − 1; 0 without volume`,
    lookback: (n) => n,
    create(n, scope) {
      const volumes = volumeWindow(scope, n);
      const values = new Window(n);
      return {
        push(bar) {
          values.push(typicalPrice(bar) * bar.volume);
          return ratio(bar.close * volumes(bar).sum(), values.sum(), 1) - 1;
        },
      };
    },
  }),
  perPeriod({
    id: "force_index",
    group: "volume",
    description: "Elder's force index over n bars, with returns and over the volume.",
    base: [13],
    higher: [],
    min: 2,
    formula: (n) => `EMA_${n}(log_return_1 × volume) / EMA_${n}(volume); 0 without volume`,
    lookback: (n) => smoothingLength("ema", n) + 1,
    create(n, scope) {
      const oneBar = oneBarReturn(scope);
      const forces = new Smoothing("ema", n);
      const volumes = new Smoothing("ema", n);
      return {
        push(bar) {
          return ratio(forces.amount(oneBar(bar) * bar.volume), volumes.amount(bar.volume), 0);
        },
      };
    },
  }),
  perPeriod({
    id: "price_volume_correlation",
    group: "volume",
    description: "Correlation of one-bar log returns and volumes over n bars.",
    base: [20],
    higher: [],
    min: 3,
    formula: (n) => `Pearson correlation of log_return_1 and volume over ${n} bars; 0 where one is constant`,
    lookback: (n) => n + 1,
    create(n, scope) {
      const returnsOf = returnWindow(scope, n);
      const volumesOf = volumeWindow(scope, n);
      return {
        push(bar) {
          const returns = returnsOf(bar);
          const volumes = volumesOf(bar);
          const [meanReturn, meanVolume] = [returns.mean(), volumes.mean()];
          const spreadReturn = Math.sqrt(returns.moment(meanReturn, 2));
          const spreadVolume = Math.sqrt(volumes.moment(meanVolume, 2));
          if (spreadReturn <= ROUNDING * n || spreadVolume <= ROUNDING * n * meanVolume) return 0;
          let cross = 0;
          for (let k = 0; k < n; k++) cross += (returns.ago(k) - meanReturn) * (volumes.ago(k) - meanVolume);
          return cross / (spreadReturn * spreadVolume);
        },
      };
    },
  }),
];
