/** Scales weights to mean 1 over the rows of one fit; (N) in, new (N) out. */
export function scaleToMeanOne(weights: Float32Array): Float32Array {
  let sum = 0;
  for (const weight of weights) sum += weight;
  const factor = weights.length / sum;
  return weights.map((weight) => weight * factor);
}

/**
 * The weights of one fit, mean 1; null when every row weighs the same.
 * `balanced` gives each class that is present the same total weight; `priorShift` says how to undo it in the probabilities.
 */
export function fitWeights(
  y: Int8Array,
  sampleWeights: Float32Array | undefined,
  classWeight: "none" | "balanced",
): Float32Array | null {
  const base = sampleWeights ?? new Float32Array(y.length).fill(1);
  if (classWeight === "none") return isUniform(base) ? null : scaleToMeanOne(base);
  const shares = weightedShares(y, base);
  return scaleToMeanOne(base.map((weight, row) => weight / shares[y[row]! + 1]!));
}

/**
 * Factors that turn probabilities learned under `balanced` weights back to the training rows' own class shares
 * (Saerens, Latinne and Decaestecker, 2002): multiply, then renormalise each row. Absent classes get 0.
 */
export function priorShift(y: Int8Array, sampleWeights: Float32Array | undefined): [number, number, number] {
  const shares = weightedShares(y, sampleWeights ?? new Float32Array(y.length).fill(1));
  const present = shares.filter((share) => share > 0).length;
  return [shares[0] * present, shares[1] * present, shares[2] * present];
}

function weightedShares(y: Int8Array, weights: Float32Array): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  let total = 0;
  for (let row = 0; row < y.length; row += 1) {
    sums[(y[row]! + 1) as 0 | 1 | 2] += weights[row]!;
    total += weights[row]!;
  }
  return [sums[0] / total, sums[1] / total, sums[2] / total];
}

function isUniform(weights: Float32Array): boolean {
  for (const weight of weights) if (weight !== weights[0]) return false;
  return true;
}
