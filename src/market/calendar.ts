import { MICROS_PER_DAY } from "../types/index.js";

/** What a symbol's template says about time. Sessions, holidays and rolls become further implementations of it. */
export interface Calendar {
  /** As written in `pipeline.json`. */
  readonly id: string;
  /** Said by `prepare`, so that the reader knows what a day is. */
  readonly sentence: string;
  /** Number of the trading day to which a bar belongs; `close` is its close stamp in microseconds. */
  tradingDay(close: number): number;
  /** First moment of that bar's trading day, in microseconds. */
  dayStart(close: number): number;
}

/** A bar covers (close − step, close]: one that closes at midnight belongs to the day that ends there. */
function utcDay(close: number): number {
  return Math.ceil(close / MICROS_PER_DAY) - 1;
}

/** Until sessions are known every symbol trades in UTC days. */
export const utcDays: Calendar = {
  id: "utc_days",
  sentence: "A trading day is a UTC day: no session template, holiday or roll is applied.",
  tradingDay: utcDay,
  dayStart: (close) => utcDay(close) * MICROS_PER_DAY,
};
