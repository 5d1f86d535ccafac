import type { Calendar } from "../../market/index.js";
import { type Bar, MICROS_PER_DAY } from "../../types/index.js";
import type { FeatureGroup } from "../definition.js";
import type { SwitchIndicator } from "../indicator.js";
import { ROUNDING, ratio } from "../window.js";
import { typicalPrice } from "./common.js";

const LONGEST_CLOSURE = 5 * MICROS_PER_DAY;

/** The trading day so far. */
interface Day {
  open: number;
  high: number;
  low: number;
  volume: number;
  /** Σ typical price × volume. */
  value: number;
}

/**
 * Follows the trading day; NaN until its first start is seen. Sums begin anew each day, in the same order wherever the
 * stream began, so they neither drift nor depend on it.
 */
function dayState(calendar: Calendar, value: (day: Day, bar: Bar) => number) {
  let number: number | undefined;
  let day: Day | undefined;
  return {
    push(bar: Bar): number {
      const today = calendar.sessionOf(bar.timestamp).day;
      if (number !== undefined && today !== number) {
        day = { open: bar.open, high: bar.high, low: bar.low, volume: 0, value: 0 };
      }
      number = today;
      if (day === undefined) return Number.NaN;
      day.high = Math.max(day.high, bar.high);
      day.low = Math.min(day.low, bar.low);
      day.volume += bar.volume;
      day.value += typicalPrice(bar) * bar.volume;
      return value(day, bar);
    },
  };
}

function sinceDayStart(
  spec: { id: string; group: FeatureGroup; description: string; formula: string },
  value: (day: Day, bar: Bar) => number,
): SwitchIndicator {
  const { formula, ...rest } = spec;
  return {
    kind: "switch",
    ...rest,
    base: true,
    higher: null,
    refuses: (step) => {
      if (step === null) return "a day's bars cannot be counted where they have no regular step";
      return step >= MICROS_PER_DAY ? "it needs bars shorter than a day" : undefined;
    },
    features: ({ step, calendar, outside }) => [
      {
        name: spec.id,
        formula,
        // A day of bars, and the bar before by which the day's start is known.
        lookback: step === null ? 1 : Math.ceil(longestDay(calendar, outside) / step) + 1,
        create: () => dayState(calendar, value),
      },
    ],
  };
}

/** Bars outside of every session belong to the next one: after a long weekend that day has been going on for days. */
function longestDay(calendar: Calendar, outside: boolean): number {
  return outside ? LONGEST_CLOSURE + calendar.longest : calendar.longest;
}

export const dayReturn = sinceDayStart(
  {
    id: "day_return",
    group: "returns",
    description: "Log return since the trading day's open.",
    formula: "ln(close / open of the trading day)",
  },
  (day, bar) => Math.log(bar.close / day.open),
);

export const dayPosition = sinceDayStart(
  {
    id: "day_position",
    group: "range",
    description: "Position of the close in the trading day's range so far.",
    formula: "(close − low) / (high − low) of the trading day so far; 0.5 without range",
  },
  (day, bar) => ratio(bar.close - day.low, day.high - day.low, 0.5, ROUNDING * bar.close),
);

export const dayVwapDistance = sinceDayStart(
  {
    id: "day_vwap_distance",
    group: "volume",
    description: "Distance of the close to the trading day's volume-weighted average price so far.",
    formula: "close / (Σ typical price × volume / Σ volume of the trading day so far) − 1; 0 without volume",
  },
  (day, bar) => ratio(bar.close * day.volume, day.value, 1) - 1,
);
