import { checkNames, inOrder, readWindows, windowEnds } from "../data/index.js";
import { type FeatureArray, type FeatureMatrix, FoldwiseError } from "../types/index.js";

/** How the rows or windows of `X` come as row-major values in the order of a model's features. */
export interface ModelInput {
  /** How many are answered: rows, or windows. */
  rows: number;
  /** (rows) which positions of `X` they are; null where all are: for tabular models. */
  positions: Int32Array | null;
  /** Values of the answered `from` to `to` (exclusive), (n, F) or (n, T, F); may share memory with `X`. */
  read(from: number, to: number): Promise<Float32Array>;
}

/**
 * Matches `X` to a model's features by name, and for sequence models finds its windows. Rows of a stored dataset are reordered; an array
 * whose names stand in another order is refused (`bundle.features_reordered`), because it is more likely a mistake than a wish.
 *
 * @param seqLen Rows of a window; null for tabular models.
 * @throws FoldwiseError `bundle.features_differ` for missing and extra features, by name; `data.wrong_shape` for other shapes than (N, F),
 * or (N, T, F) where there is a `seqLen`; `data.no_full_window` where rows are too few for one.
 */
export function matchFeatures(X: FeatureMatrix, features: readonly string[], seqLen: number | null = null): ModelInput {
  const width = features.length;
  if ((X.shape.length !== 2 && seqLen === null) || X.shape.at(-1) !== X.featureNames.length) {
    const takes = seqLen === null ? "" : ` or windows (N, ${seqLen}, ${width})`;
    throw new FoldwiseError(
      "data.wrong_shape",
      `Got features of shape (${X.shape.join(", ")}) with ${X.featureNames.length} names; this model takes rows (N, ${width})${takes}.`,
      { remedy: "Give one row a bar and one name a column." },
    );
  }
  checkNames(X.featureNames, features);
  if (X.kind !== "view") refuseReordered(X.featureNames, features);
  return seqLen === null ? rowsOf(X, features) : windowsOf(X, features, seqLen);
}

function rowsOf(X: FeatureMatrix, features: readonly string[]): ModelInput {
  const [rows] = X.shape;
  const width = features.length;
  if (X.kind === "view") {
    const read = async (from: number, to: number) => inOrder(await X.read(from, to), X.featureNames, features);
    return { rows, positions: null, read };
  }
  if (X.data.length !== rows * width) {
    throw new FoldwiseError("data.wrong_shape", `Got ${X.data.length} values for the shape (${rows}, ${width}).`, {
      remedy: "Give rows × features values, row-major.",
    });
  }
  return { rows, positions: null, read: async (from, to) => X.data.subarray(from * width, to * width) };
}

function windowsOf(X: FeatureMatrix, features: readonly string[], seqLen: number): ModelInput {
  const ends = windowEnds(X, seqLen);
  if (ends.length === 0 && !isWindows(X)) throw noFullWindow(seqLen, X.shape[0]);
  const size = seqLen * features.length;
  const read = async (from: number, to: number): Promise<Float32Array> => {
    if (isWindows(X)) return X.data.subarray(from * size, to * size);
    return inOrder(await readWindows(X, ends.subarray(from, to), seqLen), X.featureNames, features);
  };
  return { rows: ends.length, positions: ends, read };
}

const isWindows = (X: FeatureMatrix): X is FeatureArray => X.kind !== "view" && X.shape.length === 3;

/** None of `rows` rows ends a full window. */
export function noFullWindow(seqLen: number, rows: number): FoldwiseError {
  return new FoldwiseError(
    "data.no_full_window",
    `None of ${rows} rows can be answered: the model looks at windows of ${seqLen} bars, all in one piece.`,
    {
      remedy: `Give at least ${seqLen} neighbouring bars: each answered bar needs the ${seqLen - 1} before it.`,
      details: { rows, seqLen },
    },
  );
}

function refuseReordered(got: readonly string[], features: readonly string[]): void {
  const first = features.findIndex((name, f) => got[f] !== name);
  if (first < 0) return;
  throw new FoldwiseError(
    "bundle.features_reordered",
    `The array's features stand in another order than the model's: column ${first} is ${got[first]}, the model has ${features[first]} there.`,
    { remedy: "Put the columns in the order of model.featureNames (feature_names.txt of the bundle)." },
  );
}
