import { checkNames, inOrder } from "../data/index.js";
import { type FeatureMatrix, FoldwiseError } from "../types/index.js";

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
  const [rows, columns] = X.shape;
  if (X.shape.length !== 2 || columns !== X.featureNames.length) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `Got features of shape (${X.shape.join(", ")}) with ${X.featureNames.length} names; this model takes rows (N, ${width}).`,
      { remedy: "Give one row a bar and one name a column." },
    );
  }
  checkNames(X.featureNames, features);
  const sameOrder = features.every((name, f) => X.featureNames[f] === name);
  if (X.kind === "view") {
    return { rows, read: async (from, to) => inOrder(await X.read(from, to), X.featureNames, features) };
  }
  if (!sameOrder) {
    const first = features.findIndex((name, f) => X.featureNames[f] !== name);
    throw new FoldwiseError(
      "bundle.features_reordered",
      `The array's features stand in another order than the model's: column ${first} is ${X.featureNames[first]}, the model has ${features[first]} there.`,
      { remedy: "Put the columns in the order of model.featureNames (feature_names.txt of the bundle)." },
    );
  }
  if (X.data.length !== rows * width) {
    throw new FoldwiseError("data.wrong_shape", `Got ${X.data.length} values for the shape (${rows}, ${width}).`, {
      remedy: "Give rows × features values, row-major.",
    });
  }
  return { rows, read: async (from, to) => X.data.subarray(from * width, to * width) };
}
