import { FoldwiseError } from "../types/index.js";

/**
 * Throws `bundle.features_differ`, naming what is missing, what is too much and what stands twice.
 *
 * @param path The file that they come from, if any; for the message.
 */
export function checkNames(got: readonly string[], features: readonly string[], path?: string): void {
  const have = new Set(got);
  const want = new Set(features);
  const missing = features.filter((name) => !have.has(name));
  const extra = got.filter((name) => !want.has(name));
  const twice = got.filter((name, f) => got.indexOf(name) !== f);
  if (missing.length === 0 && extra.length === 0 && twice.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`missing: ${list(missing)}`] : []),
    ...(extra.length > 0 ? [`not known to the model: ${list(extra)}`] : []),
    ...(twice.length > 0 ? [`given twice: ${list(twice)}`] : []),
  ];
  const of = path === undefined ? "The features" : `The features of ${path}`;
  throw new FoldwiseError("bundle.features_differ", `${of} are not the model's: ${parts.join("; ")}.`, {
    remedy:
      "Give exactly the features that the model was trained on (feature_names.txt of the bundle); files may have them in any order.",
    details: { ...(path === undefined ? {} : { path }), missing, extra, twice },
  });
}

function list(names: readonly string[]): string {
  return names.length <= 8 ? names.join(", ") : `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`;
}

/** Row-major values (N, F) with columns `got` in the order `wanted`, which are the same names; the array itself where it is in order. */
export function inOrder(values: Float32Array, got: readonly string[], wanted: readonly string[]): Float32Array {
  if (wanted.every((name, f) => got[f] === name)) return values;
  const source = Int32Array.from(wanted, (name) => got.indexOf(name));
  const width = source.length;
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += width) {
    for (let f = 0; f < width; f++) out[row + f] = values[row + source[f]!]!;
  }
  return out;
}
