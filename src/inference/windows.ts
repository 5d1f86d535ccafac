import { type FeatureMatrix, type FeatureView, FoldwiseError } from "../types/index.js";
import { rowsWithWindow } from "../validation/index.js";

/**
 * Positions in `X`, ascending, at which a window of `seqLen` rows ends.
 *
 * - rows of a stored dataset: the window's rows are those before it *in the dataset*, in one unbroken piece, none before the
 *   dataset's row `from`;
 * - an array (N, F): one unbroken piece;
 * - an array (N, T, F): windows already; `data.wrong_shape` where T is another.
 */
export function windowEnds(X: FeatureMatrix, seqLen: number, from = 0): Int32Array {
  if (X.kind === "view") return endsOfView(X, seqLen, from);
  const [n, steps] = X.shape;
  if (X.shape.length === 2) return Int32Array.from({ length: Math.max(0, n - seqLen + 1) }, (_, i) => i + seqLen - 1);
  if (steps !== seqLen) throw wrongLength(X, seqLen);
  return Int32Array.from({ length: n }, (_, i) => i);
}

function endsOfView({ dataset, rows }: FeatureView, seqLen: number, from: number): Int32Array {
  const ending = new Uint8Array(dataset.manifest.rows);
  for (const row of rowsWithWindow(rows, dataset.piece(), seqLen, from)) ending[row] = 1;
  return Int32Array.from(rows, (_, i) => i).filter((i) => ending[rows[i]!] === 1);
}

/** The windows of `seqLen` rows that end at positions `ends` of `X`: row-major (ends.length, seqLen, F). */
export async function readWindows(X: FeatureMatrix, ends: Int32Array, seqLen: number): Promise<Float32Array> {
  const width = X.featureNames.length;
  const out = new Float32Array(ends.length * seqLen * width);
  const place = (i: number, source: Float32Array, firstRow: number): void =>
    out.set(source.subarray(firstRow * width, (firstRow + seqLen) * width), i * seqLen * width);
  if (X.kind === "view") {
    const last = ends.map((i) => X.rows[i]!);
    const needed = rowsBehind(last, seqLen);
    const at = new Map(Array.from(needed, (row, i) => [row, i]));
    const values = await X.dataset.readRows(needed);
    // Every row of a window is among those read, so its rows stand side by side.
    last.forEach((row, i) => {
      place(i, values, at.get(row - seqLen + 1)!);
    });
    return out;
  }
  if (X.shape.length === 3 && X.shape[1] !== seqLen) throw wrongLength(X, seqLen);
  const stride = X.shape.length === 3 ? seqLen : 1;
  ends.forEach((end, i) => {
    place(i, X.data, (end + 1) * stride - seqLen);
  });
  return out;
}

/** Every row of the windows that end at `last`, ascending, each once. */
function rowsBehind(last: Int32Array, seqLen: number): Int32Array {
  const rows: number[] = [];
  for (const end of Int32Array.from(last).sort()) {
    const known = rows.at(-1) ?? -1;
    for (let row = Math.max(end - seqLen + 1, known + 1); row <= end; row++) rows.push(row);
  }
  return Int32Array.from(rows);
}

/** Throws `data.no_window` for data too short, or too broken, for one window. */
export function requireWindows(ends: Int32Array, rows: number, seqLen: number): void {
  if (ends.length > 0 || rows === 0) return;
  throw new FoldwiseError(
    "data.no_window",
    `At none of the ${rows} rows ends a window of ${seqLen} rows in one piece, which this model answers from.`,
    { remedy: `Give at least ${seqLen} consecutive rows without a gap.`, details: { rows, seqLen } },
  );
}

function wrongLength(X: FeatureMatrix, seqLen: number): FoldwiseError {
  return new FoldwiseError(
    "data.wrong_shape",
    `Got windows of shape (${X.shape.join(", ")}); this model takes (N, ${seqLen}, ${X.featureNames.length}).`,
    { remedy: `Give windows of ${seqLen} rows, or rows (N, F) in time order, of which the model makes its windows.` },
  );
}
