import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { viewOf } from "../../data/index.js";
import { encodeNpy, writeFileAtomic } from "../../files/index.js";
import {
  type DatasetManifest,
  type FeatureMatrix,
  type FeatureView,
  FoldwiseError,
  NO_LABEL,
  type StoredDataset,
  type Timestamps,
} from "../../types/index.js";

/**
 * Rows in memory, in the guise of a stored dataset: so that parts of them can be fitted on without copies. They are taken to be in
 * the order of time, one unbroken piece each of training and validation; windows (N, T, F) are a piece each. A label takes one row,
 * the least there is, unless more are named.
 */
class MemoryDataset implements StoredDataset {
  readonly #times: Timestamps;
  readonly #ends: Timestamps;

  constructor(
    readonly dir: string,
    readonly manifest: DatasetManifest,
    private readonly arrays: { X: Float32Array; y: Int8Array; piece: Int32Array; w: Float32Array },
    labelRows: number,
  ) {
    const { rows } = manifest;
    this.#times = Float64Array.from({ length: rows }, (_, row) => row);
    this.#ends = Float64Array.from({ length: rows }, (_, row) => row + labelRows);
  }

  timestamps(): Timestamps {
    return this.#times;
  }
  piece(): Int32Array {
    return this.arrays.piece;
  }
  labels(): Int8Array {
    return this.arrays.y;
  }
  labelEnds(): Timestamps {
    return this.#ends;
  }
  weights(): Float32Array {
    return this.arrays.w;
  }
  returns(): null {
    return null;
  }
  entryPrice(): null {
    return null;
  }
  async readRows(rows: Int32Array): Promise<Float32Array> {
    const width = this.manifest.features.length;
    const values = new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries())
      values.set(this.arrays.X.subarray(row * width, (row + 1) * width), i * width);
    return values;
  }
}

interface Labelled {
  X: FeatureMatrix;
  y: Int8Array;
}

/** The two row sets of a fit as views of one dataset. Other rows than those are written to `dir`, which is made. */
export async function asViews(
  train: Labelled,
  val: Labelled,
  dir: string,
  labelRows = 1,
): Promise<[FeatureView, FeatureView]> {
  if (!(Number.isInteger(labelRows) && labelRows >= 1)) {
    throw new FoldwiseError("usage.label_rows", `Got labels that look ${labelRows} rows ahead.`, {
      remedy: "Give a whole number of rows, 1 or more.",
    });
  }
  if (train.X.kind === "view" && val.X.kind === "view" && train.X.dataset.dir === val.X.dataset.dir)
    return [train.X, val.X];
  const width = train.X.featureNames.length;
  const parts = await Promise.all([train, val].map((part) => examplesOf(part, width)));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const X = new Float32Array(rows * width);
  const y = new Int8Array(rows).fill(NO_LABEL);
  const piece = new Int32Array(rows);
  let [offset, pieces] = [0, 0];
  const views: Int32Array[] = [];
  for (const part of parts) {
    X.set(part.X, offset * width);
    const ends = part.ends.map((row) => row + offset);
    for (const [i, row] of ends.entries()) y[row] = part.y[i]!;
    for (let row = 0; row < part.rows; row++) piece[offset + row] = pieces + Math.floor(row / part.pieceRows);
    views.push(ends);
    pieces = (piece[offset + part.rows - 1] ?? pieces) + 1;
    offset += part.rows;
  }
  mkdirSync(dir, { recursive: true });
  for (const [name, bytes] of [
    ["X", encodeNpy("<f4", [rows, width], X)],
    ["y_h1", encodeNpy("|i1", [rows], y)],
    ["piece", encodeNpy("<i4", [rows], piece)],
  ] as const) {
    writeFileAtomic(join(dir, `${name}.npy`), bytes);
  }
  const manifest = manifestOf(train.X.featureNames, parts[0]!.rows, rows);
  const dataset = new MemoryDataset(dir, manifest, { X, y, piece, w: new Float32Array(rows).fill(1) }, labelRows);
  return [viewOf(dataset, views[0]!), viewOf(dataset, views[1]!)];
}

interface Examples {
  X: Float32Array;
  y: Int8Array;
  rows: number;
  /** The last row of each example. */
  ends: Int32Array;
  /** Rows of a piece: of a window, or all. */
  pieceRows: number;
}

async function examplesOf({ X, y }: Labelled, width: number): Promise<Examples> {
  const values = X.kind === "view" ? await X.read() : X.data;
  const [n] = X.shape;
  const length = X.shape.length === 3 ? X.shape[1] : 1;
  if (X.shape.at(-1) !== width || values.length !== n * length * width || y.length !== n) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `Got ${values.length} values in the shape (${X.shape.join(", ")}) with ${y.length} labels.`,
      { remedy: "Give one label a row, and training and validation rows with the same features." },
    );
  }
  const rows = n * length;
  const ends = Int32Array.from({ length: n }, (_, i) => (i + 1) * length - 1);
  return { X: values, y, rows, ends, pieceRows: length === 1 ? Math.max(1, rows) : length };
}

const manifestOf = (features: readonly string[], train: number, rows: number): DatasetManifest => ({
  format: 1,
  fingerprint: "memory",
  symbol: "custom",
  layout: "series",
  sources: [],
  checksums: [],
  rows,
  features: [...features],
  horizons: [1],
  parts: { train: { start: 0, end: train }, val: { start: train, end: rows }, test: { start: rows, end: rows } },
  medianStep: 1,
  barTime: null,
  labelEnd: { "1": "derived" },
  weights: { "1": "missing" },
  returns: [],
  hasEntryPrice: false,
  notices: [],
  pipeline: null,
});
