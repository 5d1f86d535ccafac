import { FoldwiseError } from "../types/index.js";

/** What a model takes. */
export interface ModelShape {
  readonly featureNames: readonly string[];
  /** Rows of a window, T; null for tabular models. */
  readonly seqLen: number | null;
}

/** The shape of `n` rows or windows. */
export const inputShape = (
  n: number,
  { featureNames, seqLen }: ModelShape,
): readonly [number, number] | readonly [number, number, number] =>
  seqLen === null ? [n, featureNames.length] : [n, seqLen, featureNames.length];

/** `row`, if the model takes rows of its length; throws `model.takes_windows`, `data.wrong_shape`. */
export function checkedRow(row: Float32Array, { featureNames, seqLen }: ModelShape): Float32Array {
  const { length } = featureNames;
  if (seqLen !== null) {
    throw new FoldwiseError("model.takes_windows", `This model looks at windows of ${seqLen} bars, not at one row.`, {
      remedy: "Call predictWindow with T × F values, or push rows one by one to a StreamingPredictor.",
      details: { seqLen },
    });
  }
  if (row.length === length) return row;
  throw new FoldwiseError("data.wrong_shape", `Got a row of ${row.length} values; the model has ${length} features.`, {
    remedy: "Give one value for each of model.featureNames, in that order.",
  });
}

/** `window`, if the model takes windows of its length; throws `model.takes_rows`, `data.wrong_shape`. */
export function checkedWindow(window: Float32Array, { featureNames, seqLen }: ModelShape): Float32Array {
  if (seqLen === null) {
    throw new FoldwiseError("model.takes_rows", "This model looks at one row, not at a window.", {
      remedy: "Call predictRow with the newest bar's features.",
    });
  }
  if (window.length === seqLen * featureNames.length) return window;
  throw new FoldwiseError(
    "data.wrong_shape",
    `Got a window of ${window.length} values; the model takes ${seqLen} rows of ${featureNames.length} features.`,
    { remedy: "Give T × F values, oldest row first, each in the order of model.featureNames." },
  );
}
