import { likeliest } from "../evaluation/index.js";
import { CLASS_COUNT, CLASSES, FoldwiseError, type PredictionOutput } from "../types/index.js";

/** How far a row of probabilities may be from 1: engines compute them in float32. */
const SUM_TOLERANCE = 1e-4;

/**
 * Checks that each row of `p` (N, 3) is finite, ≥ 0 and sums to 1. Throws `data.infinite_feature` where the row's values in
 * `values`, (N, F) or (N, T, F), explain why it is not, else `bundle.bad_output`.
 *
 * @param rowOf Number of the i-th in messages.
 */
export function checkDistributions(
  values: Float32Array,
  p: Float32Array,
  featureNames: readonly string[],
  rowOf: (i: number) => number,
): void {
  const n = p.length / CLASS_COUNT;
  for (let i = 0; i < n; i++) {
    const [a, b, c] = [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!];
    // Comparisons are written so that NaN fails them.
    if (a >= 0 && b >= 0 && c >= 0 && Math.abs(a + b + c - 1) <= SUM_TOLERANCE) continue;
    const row = rowOf(i);
    const size = values.length / n;
    const infinite = values.subarray(i * size, (i + 1) * size).findIndex((value) => Math.abs(value) === Infinity);
    if (infinite >= 0) throw infiniteFeature(row, infinite, size, featureNames);
    throw new FoldwiseError(
      "bundle.bad_output",
      `Row ${row}: the model answered ${a}, ${b}, ${c}, which are no probabilities.`,
      {
        remedy: "Check this row's values: they may lie far outside what the model was trained on.",
        details: { row },
      },
    );
  }
}

/** `at` among the `size` values of the row or window. */
function infiniteFeature(row: number, at: number, size: number, featureNames: readonly string[]): FoldwiseError {
  const width = featureNames.length;
  const feature = featureNames[at % width];
  const back = size / width - 1 - Math.floor(at / width);
  const where = back === 0 ? "" : `, ${back} bars before it,`;
  return new FoldwiseError("data.infinite_feature", `Row ${row}: ${feature}${where} is infinite.`, {
    remedy: "Give finite values, or NaN for what is missing.",
    details: { row, feature, ...(size === width ? {} : { back }) },
  });
}

/** Labels, probabilities and confidence; the first class in the order −1, 0, 1 wins among equals. */
export function toOutput(probabilities: Float32Array): PredictionOutput {
  const n = probabilities.length / CLASS_COUNT;
  const predictions = new Int8Array(n);
  const confidence = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const k = likeliest(probabilities, i);
    predictions[i] = CLASSES[k];
    confidence[i] = probabilities[i * CLASS_COUNT + k]!;
  }
  return { predictions, probabilities, confidence };
}
