import type { Timestamps } from "./bars.js";

/** The class order everywhere: short, neutral, long. Column k of any probability array is `CLASSES[k]`. */
export const CLASSES = [-1, 0, 1] as const;
export type Label = (typeof CLASSES)[number];
export const CLASS_COUNT = 3;

/** A context row: no label, never fitted or scored, but part of windows. Held as int8 −128, null in files. */
export const NO_LABEL = -128;

/** The labels of one horizon, a value a row. */
export interface HorizonLabels {
  /** Bars. */
  horizon: number;
  /** −1, 0, 1 or `NO_LABEL`. */
  y: Int8Array;
  /** When the outcome was known (close of the exit bar); NaN for context rows. */
  end: Timestamps;
  /** Sample weights > 0; 1 for context rows. */
  w: Float32Array;
  /** Simple return from entry to exit; NaN where unknown. */
  r?: Float32Array;
}
