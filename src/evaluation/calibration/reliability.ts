import { CLASS_COUNT, FoldwiseError } from "../../types/index.js";
import { checkScored, checkWeights, likeliest, type Probabilities, rowHits } from "../losses.js";

export const ECE_BINS = 15;

/** The rows whose confidence lies in (lower, upper]; a confidence of 0 lies in the first bin. */
export interface ReliabilityBin {
  lower: number;
  upper: number;
  /** Rows. */
  count: number;
  /** Mean confidence and share of rows whose likeliest class was the label; null where there is no row. */
  confidence: number | null;
  accuracy: number | null;
}

/**
 * The reliability diagram of the confidence, the largest probability of a row (Guo et al., 2017), as a table: of calibrated
 * probabilities, accuracy equals confidence in every bin but for noise. With 15 bins these are the bins of `ece`.
 *
 * @param p (N, 3). @param bins Of equal width over 0 … 1, a whole number from 1.
 * @throws FoldwiseError `data.bad_bins` and those of `checkScored`.
 */
export function reliabilityTable(y: Int8Array, p: Probabilities, bins = ECE_BINS): ReliabilityBin[] {
  checkScored(y, p);
  if (!(Number.isInteger(bins) && bins >= 1)) {
    throw new FoldwiseError("data.bad_bins", `Got ${bins} bins; it must be a whole number from 1.`, {
      remedy: `Give a number of bins such as ${ECE_BINS}.`,
    });
  }
  const { weight, confidence, hits } = binSums(confidences(p), rowHits(y, p), bins);
  return Array.from({ length: bins }, (_, b) => {
    const count = weight[b]!;
    const mean = (sums: Float64Array): number | null => (count === 0 ? null : sums[b]! / count);
    return { lower: b / bins, upper: (b + 1) / bins, count, confidence: mean(confidence), accuracy: mean(hits) };
  });
}

/**
 * Classwise expected calibration error (Kull et al., Beyond temperature scaling, 2019): for each class, Σ over 15 equal bins of
 * that class's probability of share × |share of the class − mean probability|; the mean of the three. 0 … 1.
 *
 * @param p (N, 3). @param w (N, > 0), left out: every row counts the same.
 * @throws FoldwiseError `data.bad_weight` and those of `checkScored`.
 */
export function classwiseEce(y: Int8Array, p: Probabilities, w?: Float32Array | Float64Array): number {
  checkScored(y, p);
  if (w !== undefined) checkWeights(w, y.length);
  let total = 0;
  for (let k = 0; k < CLASS_COUNT; k++) {
    const ofClass = Float64Array.from(y, (_, i) => p[3 * i + k]!);
    const occurred = Float64Array.from(y, (label) => (label + 1 === k ? 1 : 0));
    total += binnedError(ofClass, occurred, w);
  }
  return total / CLASS_COUNT;
}

/** Σ over bins of share × |accuracy − mean confidence|: `ece` of checked rows. */
export function calibrationError(y: Int8Array, p: Probabilities, w?: Float32Array | Float64Array): number {
  return binnedError(confidences(p), rowHits(y, p), w);
}

function binnedError(confidence: Float64Array, hits: Float64Array, w?: Float32Array | Float64Array): number {
  const sums = binSums(confidence, hits, ECE_BINS, w);
  let [error, total] = [0, 0];
  for (let b = 0; b < ECE_BINS; b++) {
    error += Math.abs(sums.hits[b]! - sums.confidence[b]!);
    total += sums.weight[b]!;
  }
  return error / total;
}

/** (N) the largest probability of each row. */
const confidences = (p: Probabilities): Float64Array =>
  Float64Array.from({ length: p.length / CLASS_COUNT }, (_, i) => p[CLASS_COUNT * i + likeliest(p, i)]!);

/** Weighted sums by bin; bin b holds confidences in (b / bins, (b + 1) / bins], which rounding may have put above 1. */
function binSums(
  confidence: Float64Array,
  hits: Float64Array,
  bins: number,
  w?: Float32Array | Float64Array,
): Record<"weight" | "confidence" | "hits", Float64Array> {
  const sums = { weight: new Float64Array(bins), confidence: new Float64Array(bins), hits: new Float64Array(bins) };
  for (let i = 0; i < confidence.length; i++) {
    const value = Math.min(confidence[i]!, 1);
    const bin = Math.max(Math.ceil(value * bins) - 1, 0);
    const weight = w === undefined ? 1 : w[i]!;
    sums.weight[bin]! += weight;
    sums.confidence[bin]! += weight * value;
    sums.hits[bin]! += weight * hits[i]!;
  }
  return sums;
}
