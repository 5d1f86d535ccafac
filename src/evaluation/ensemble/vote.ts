import { likeliest } from "../losses.js";
import { type BaseAnswers, checkBases, checkWeights, equalWeights } from "./bases.js";

/**
 * Soft voting, the linear opinion pool: the weighted mean of the bases' probabilities.
 *
 * @param bases (B ≥ 2) of (N, 3) each.
 * @param weights (B) ≥ 0, scaled to sum 1 here; 1 / B each by default.
 * @returns (N, 3), every row scaled to sum 1 exactly as float64 can.
 * @throws FoldwiseError what `checkBases` and `checkWeights` throw.
 */
export function softVote(bases: readonly BaseAnswers[], weights?: ArrayLike<number>): Float64Array {
  const n = checkBases(bases);
  const shares = checkWeights(weights ?? equalWeights(bases.length), bases);
  const mean = new Float64Array(3 * n);
  for (let b = 0; b < bases.length; b++) {
    const share = shares[b]!;
    // A base without weight is left out, not multiplied by 0.
    if (share === 0) continue;
    const { p } = bases[b]!;
    for (let i = 0; i < n; i++) {
      const scale = share / (p[3 * i]! + p[3 * i + 1]! + p[3 * i + 2]!);
      mean[3 * i]! += scale * p[3 * i]!;
      mean[3 * i + 1]! += scale * p[3 * i + 1]!;
      mean[3 * i + 2]! += scale * p[3 * i + 2]!;
    }
  }
  return mean;
}

/**
 * Hard voting: every base votes for its likeliest class (the first in class order among equals), and the shares of the votes
 * are smoothed by Laplace's rule of succession, so that a class without a vote keeps a probability and the log-loss is finite:
 *
 *     p_k = (v · share_k + 1) / (v + 3),   v = 1 / Σ weight²
 *
 * v is the number of votes that the weights are worth (Kish): B where they are equal. Five bases of one mind say 0.75, and
 * the likeliest class is always the one with the largest share.
 *
 * @param bases (B ≥ 2) of (N, 3) each.
 * @param weights (B) ≥ 0, scaled to sum 1 here; 1 / B each by default.
 * @returns (N, 3)
 * @throws FoldwiseError what `checkBases` and `checkWeights` throw.
 */
export function hardVote(bases: readonly BaseAnswers[], weights?: ArrayLike<number>): Float64Array {
  const n = checkBases(bases);
  const shares = checkWeights(weights ?? equalWeights(bases.length), bases);
  const votes = 1 / shares.reduce((sum, share) => sum + share * share, 0);
  const voted = new Float64Array(3 * n).fill(1 / (votes + 3));
  for (let b = 0; b < bases.length; b++) {
    const { p } = bases[b]!;
    const vote = (votes * shares[b]!) / (votes + 3);
    for (let i = 0; i < n; i++) voted[3 * i + likeliest(p, i)]! += vote;
  }
  return voted;
}
