import type { Bar } from "../../types/index.js";
import type { FeatureState } from "../definition.js";
import { type Indicator, perPeriod, single } from "../indicator.js";
import type { Scope } from "../scope.js";
import { ROUNDING, ratio } from "../window.js";
import { closeWindow, extremes } from "./common.js";

/** A share of the bar's own range; `neutral` for a bar without one. */
function shareOfBar(part: (bar: Bar) => number, neutral: number): () => FeatureState {
  return () => ({ push: (bar) => ratio(part(bar), bar.high - bar.low, neutral, ROUNDING * bar.close) });
}

/** A value of the close and the highest high and lowest low of the last n bars. */
function inChannel(value: (close: number, high: number, low: number) => number) {
  return (n: number, scope: Scope): FeatureState => {
    const channel = extremes(scope, n);
    return {
      push(bar) {
        const { high, low } = channel(bar);
        return value(bar.close, high, low);
      },
    };
  };
}

export const RANGE: Indicator[] = [
  single({
    id: "close_location",
    group: "range",
    description: "Where in its range the bar closed: 0 low, 1 high.",
    higher: true,
    formula: "(close − low) / (high − low); 0.5 for a bar without range",
    lookback: 1,
    create: shareOfBar((bar) => bar.close - bar.low, 0.5),
  }),
  single({
    id: "body_ratio",
    group: "range",
    description: "Signed body over the bar's range.",
    higher: true,
    formula: "(close − open) / (high − low); 0 for a bar without range",
    lookback: 1,
    create: shareOfBar((bar) => bar.close - bar.open, 0),
  }),
  single({
    id: "upper_wick_ratio",
    group: "range",
    description: "Upper wick over the bar's range.",
    higher: false,
    formula: "(high − max(open, close)) / (high − low); 0 for a bar without range",
    lookback: 1,
    create: shareOfBar((bar) => bar.high - Math.max(bar.open, bar.close), 0),
  }),
  single({
    id: "lower_wick_ratio",
    group: "range",
    description: "Lower wick over the bar's range.",
    higher: false,
    formula: "(min(open, close) − low) / (high − low); 0 for a bar without range",
    lookback: 1,
    create: shareOfBar((bar) => Math.min(bar.open, bar.close) - bar.low, 0),
  }),
  perPeriod({
    id: "donchian_position",
    group: "range",
    description: "Position of the close in the Donchian channel of n bars.",
    base: [20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `(close − lowest low) / (highest high − lowest low) over ${n} bars; 0.5 without range`,
    lookback: (n) => n,
    create: inChannel((close, high, low) => ratio(close - low, high - low, 0.5, ROUNDING * close)),
  }),
  perPeriod({
    id: "donchian_width",
    group: "range",
    description: "Width of the Donchian channel of n bars.",
    base: [20, 60],
    higher: [],
    min: 1,
    formula: (n) => `ln(highest high / lowest low) over ${n} bars`,
    lookback: (n) => n,
    create: inChannel((_, high, low) => Math.log(high / low)),
  }),
  perPeriod({
    id: "high_distance",
    group: "range",
    description: "Distance of the close to the highest high of n bars.",
    base: [20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `ln(close / highest high of ${n} bars)`,
    lookback: (n) => n,
    create: inChannel((close, high) => Math.log(close / high)),
  }),
  perPeriod({
    id: "low_distance",
    group: "range",
    description: "Distance of the close to the lowest low of n bars.",
    base: [20, 60],
    higher: [10],
    min: 1,
    formula: (n) => `ln(close / lowest low of ${n} bars)`,
    lookback: (n) => n,
    create: inChannel((close, _, low) => Math.log(close / low)),
  }),
  perPeriod({
    id: "bollinger_position",
    group: "range",
    description: "Position of the close in the Bollinger bands (%B) of n bars.",
    base: [20],
    higher: [],
    min: 2,
    formula: (n) => `(close − lower) / (upper − lower band), ${n} bars, 2 population deviations; 0.5 for flat prices`,
    lookback: (n) => n,
    create(n, scope) {
      const window = closeWindow(scope, n);
      return {
        push(bar) {
          const closes = window(bar);
          const deviation = closes.std("population");
          return 0.5 + ratio(bar.close - closes.mean(), 4 * deviation, 0, ROUNDING * bar.close);
        },
      };
    },
  }),
];
