import { checkNames, inOrder } from "../data/index.js";
import { type FeatureMatrix, FoldwiseError } from "../types/index.js";
import { readWindows, requireWindows, windowEnds } from "./windows.js";

/** How rows of `X` come as row-major values in the order of a model's features. */
export interface FeatureRows {
  rows: number;
  /** Values of rows `from` to `to` (exclusive); may share memory with `X`. */
  read(from: number, to: number): Promise<Float32Array>;
}

/**
 * Matches `X` to a model's features by name. Rows of a stored dataset are reordered; an array whose names stand in another
 * order is refused (`bundle.features_reordered`), because it is more likely a mistake than a wish.
 * Missing and extra features are refused by name (`bundle.features_differ`), other shapes than (N, F) with `data.wrong_shape`.
 */
export function matchFeatures(X: FeatureMatrix, features: readonly string[]): FeatureRows {
  const width = features.length;
  const [rows] = X.shape;
  if (X.shape.length !== 2 || X.shape[1] !== X.featureNames.length) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `Got features of shape (${X.shape.join(", ")}) with ${X.featureNames.length} names; this model takes rows (N, ${width}).`,
      { remedy: "Give one row a bar and one name a column." },
    );
  }
  matchColumns(X, features);
  if (X.kind === "view") {
    return { rows, read: async (from, to) => inOrder(await X.read(from, to), X.featureNames, features) };
  }
  return { rows, read: async (from, to) => X.data.subarray(from * width, to * width) };
}

/** How the windows of `X` come as row-major values (n, T, F) in the order of a model's features. */
export interface FeatureWindows {
  /** Positions in `X` at which they end. */
  ends: Int32Array;
  /** Of the windows number `from` to `to` (exclusive). */
  read(from: number, to: number): Promise<Float32Array>;
}

/** The same for a model of windows of `seqLen` rows; throws `data.no_window` where `X` has rows, but no window. */
export function matchWindows(X: FeatureMatrix, features: readonly string[], seqLen: number): FeatureWindows {
  if (X.shape.at(-1) !== X.featureNames.length) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `Got features of shape (${X.shape.join(", ")}) with ${X.featureNames.length} names; this model takes windows (N, ${seqLen}, ${features.length}).`,
      { remedy: "Give one name a column." },
    );
  }
  matchColumns(X, features);
  const ends = windowEnds(X, seqLen);
  requireWindows(ends, X.shape[0], seqLen);
  return {
    ends,
    read: async (from, to) => inOrder(await readWindows(X, ends.subarray(from, to), seqLen), X.featureNames, features),
  };
}

/** Names, their order where `X` is an array, and the number of its values. */
function matchColumns(X: FeatureMatrix, features: readonly string[]): void {
  checkNames(X.featureNames, features);
  if (X.kind === "view") return;
  const sameOrder = features.every((name, f) => X.featureNames[f] === name);
  if (!sameOrder) {
    const first = features.findIndex((name, f) => X.featureNames[f] !== name);
    throw new FoldwiseError(
      "bundle.features_reordered",
      `The array's features stand in another order than the model's: column ${first} is ${X.featureNames[first]}, the model has ${features[first]} there.`,
      { remedy: "Put the columns in the order of model.featureNames (feature_names.txt of the bundle)." },
    );
  }
  if (X.data.length !== X.shape.reduce((product, n) => product * n, 1)) {
    throw new FoldwiseError("data.wrong_shape", `Got ${X.data.length} values for the shape (${X.shape.join(", ")}).`, {
      remedy: "Give as many values as the shape says, row-major.",
    });
  }
}
