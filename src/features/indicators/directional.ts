import type { Bar } from "../../types/index.js";
import type { FeatureState } from "../definition.js";
import type { Indicator, IndicatorOutput } from "../indicator.js";
import { type Scope, shared } from "../scope.js";
import { Smoothing, smoothingLength } from "../smoothing.js";
import { ROUNDING, ratio } from "../window.js";
import { trueRange } from "./common.js";

/**
 * Wilder's directional movement. Own code: `trading-signals` counts an outside bar with equal moves up and down on both
 * sides, Wilder and TA-Lib on neither.
 */
const movement = shared((n, scope) => {
  const range = trueRange(scope);
  const ranges = new Smoothing("wilder", n);
  const plus = new Smoothing("wilder", n);
  const minus = new Smoothing("wilder", n);
  let last: Bar | undefined;
  return (bar) => {
    const up = bar.high - (last ?? bar).high;
    const down = (last ?? bar).low - bar.low;
    last = bar;
    // Moves that differ by rounding only are equal: which is larger would depend on the scale of prices.
    const floor = ROUNDING * bar.close;
    return {
      plus: plus.amount(up - down > floor && up > floor ? up : 0),
      minus: minus.amount(down - up > floor && down > floor ? down : 0),
      range: ranges.amount(range(bar)),
    };
  };
});

function adx(n: number, scope: Scope): FeatureState {
  const smoothed = movement(scope, n);
  const index = new Smoothing("wilder", n);
  return {
    push(bar) {
      const { plus, minus } = smoothed(bar);
      return index.level(100 * ratio(Math.abs(plus - minus), plus + minus, 0, ROUNDING * bar.close));
    },
  };
}

function directionalIndex(n: number, scope: Scope, side: "plus" | "minus"): FeatureState {
  const smoothed = movement(scope, n);
  return {
    push(bar) {
      const averages = smoothed(bar);
      return 100 * ratio(averages[side], averages.range, 0, ROUNDING * bar.close);
    },
  };
}

function outputs(n: number): IndicatorOutput[] {
  const lookback = smoothingLength("wilder", n) + 1;
  return [
    {
      name: `adx_${n}`,
      formula: `Wilder average of 100 × |+DI − −DI| / (+DI + −DI), ${n} bars; 0 where there is no directional movement`,
      lookback: lookback + smoothingLength("wilder", n) - 1,
      create: (scope) => adx(n, scope),
    },
    {
      name: `plus_di_${n}`,
      formula: `100 × Wilder average of +DM / that of true range, ${n} bars; 0 without range`,
      lookback,
      create: (scope) => directionalIndex(n, scope, "plus"),
    },
    {
      name: `minus_di_${n}`,
      formula: `100 × Wilder average of −DM / that of true range, ${n} bars; 0 without range`,
      lookback,
      create: (scope) => directionalIndex(n, scope, "minus"),
    },
  ];
}

export const DIRECTIONAL: Indicator[] = [
  {
    kind: "periods",
    id: "adx",
    group: "trend",
    description: "Wilder's directional movement over n bars: ADX, +DI and −DI.",
    base: [14],
    higher: [],
    min: 2,
    features: outputs,
  },
];
