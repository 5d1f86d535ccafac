import type { CheckResult } from "../subject.js";

/** A check that sees the features one after the other, so that several share one pass over the data. */
export interface ColumnCheck {
  /** Values (N); they are overwritten afterwards. */
  visit(feature: number, values: Float32Array): void;
  finish(): CheckResult;
}
