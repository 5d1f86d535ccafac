import { type FeatureArray, type FeatureMatrix, type FeatureView, FoldwiseError } from "../types/index.js";
import { windowTest } from "../validation/index.js";

/**
 * Positions in `X` (ascending) that have a full window of `T` rows. No window is made.
 *
 * - A view: positions whose dataset row ends `T` rows of one contiguous piece, none before dataset row `from`. A window looks back in the
 *   dataset, not only among the view's rows.
 * - An array (N, F): one piece; `from` + T − 1 … N − 1.
 * - An array (N, T, F): all, for they are windows already.
 *
 * @throws FoldwiseError `data.wrong_shape` for windows of another length, and values that are not as many as the shape says.
 */
export function windowEnds(X: FeatureMatrix, T: number, from = 0): Int32Array {
  if (X.kind === "view") {
    const hasWindow = windowTest(X.dataset.piece(), T, from);
    const ends = new Int32Array(X.rows.length);
    let count = 0;
    for (const [i, row] of X.rows.entries()) if (hasWindow(row)) ends[count++] = i;
    return ends.slice(0, count);
  }
  checkArray(X, T);
  const first = X.shape.length === 3 ? 0 : from + T - 1;
  return Int32Array.from({ length: Math.max(0, X.shape[0] - first) }, (_, i) => first + i);
}

/**
 * The windows that end at positions `ends` of `X`, as `windowEnds` names them: (ends.length, T, F) row-major. Of a stored dataset each
 * row is read once for all windows of this call that share it, as long as `ends` ascend; memory is the windows' and at most as much again.
 *
 * @throws FoldwiseError as `windowEnds`; RangeError for windows that would begin before the first row.
 */
export async function readWindows(X: FeatureMatrix, ends: Int32Array, T: number): Promise<Float32Array> {
  if (X.kind === "view") return readFromDataset(X, ends, T);
  checkArray(X, T);
  const width = X.shape.at(-1)!;
  const stride = X.shape.length === 3 ? T * width : width;
  const windows = new Float32Array(ends.length * T * width);
  for (const [i, end] of ends.entries()) {
    const start = X.shape.length === 3 ? end * stride : (end - T + 1) * stride;
    if (start < 0 || start + T * width > X.data.length) throw new RangeError(`a window that ends at row ${end}`);
    windows.set(X.data.subarray(start, start + T * width), i * T * width);
  }
  return windows;
}

/** Neighbouring windows overlap: their rows are read as one stretch, and each window is copied out of it. */
async function readFromDataset({ rows, dataset }: FeatureView, ends: Int32Array, T: number): Promise<Float32Array> {
  const width = dataset.manifest.features.length;
  const wanted = new Int32Array(ends.length * T);
  let count = 0;
  /** Where each window begins among `wanted`. */
  const starts = new Int32Array(ends.length);
  let stretch = { at: 0, first: 0, end: 0 };
  for (const [i, position] of ends.entries()) {
    const end = rows[position]! + 1;
    const first = end - T;
    const goesOn = i > 0 && first >= stretch.first && first <= stretch.end;
    if (!goesOn) stretch = { at: count, first, end: first };
    for (let row = stretch.end; row < end; row++) wanted[count++] = row;
    stretch.end = Math.max(stretch.end, end);
    starts[i] = stretch.at + first - stretch.first;
  }
  const values = await dataset.readRows(wanted.subarray(0, count));
  const windows = new Float32Array(ends.length * T * width);
  for (const [i, start] of starts.entries()) {
    windows.set(values.subarray(start * width, (start + T) * width), i * T * width);
  }
  return windows;
}

function checkArray({ data, shape, featureNames }: FeatureArray, T: number): void {
  const expected = `rows (N, ${featureNames.length}) or windows (N, ${T}, ${featureNames.length})`;
  const fits = shape.at(-1) === featureNames.length && (shape.length === 2 || shape[1] === T);
  const count = shape.reduce((product, n) => product * n, 1);
  if (fits && data.length === count) return;
  throw new FoldwiseError(
    "data.wrong_shape",
    `Got ${data.length} values in the shape (${shape.join(", ")}) with ${featureNames.length} names; expected ${expected}.`,
    { remedy: `Give row-major values: rows of bars, or windows of ${T} bars each, oldest first.` },
  );
}
