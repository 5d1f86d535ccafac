/**
 * Times are microseconds since 1970-01-01T00:00:00Z, held as integer-valued float64 (exact up to the year 2255).
 * On disk they are int64; NaN in memory is `INT64_MIN` (NumPy's NaT) there.
 */
export type Timestamps = Float64Array;

export const MICROS_PER_SECOND = 1_000_000;
export const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND;
export const MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE;
export const MICROS_PER_DAY = 24 * MICROS_PER_HOUR;

/** Which moment of a bar its stamp names. */
export type BarTime = "open" | "close";

/** What dates such as 03/04/2024 mean: month first or day first. */
export type DateOrder = "mdy" | "dmy";

/** One symbol's OHLCV bars in time order, a column an array, all of length `n`. `timestamp` is always the bar's close. */
export interface Bars {
  n: number;
  timestamp: Timestamps;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
  /** Contract code a bar, where the file has a `contract` column. */
  contract?: string[];
}

/** One bar of a live stream; `timestamp` is its close in microseconds. */
export interface Bar {
  timestamp: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}
