import { PROBABILITY_FLOOR } from "../losses.js";
import type { BaseAnswers } from "./bases.js";

/** (N, B) row-major: the probability that each base gave to what happened, at least `PROBABILITY_FLOOR`. */
export function labelProbabilities(y: Int8Array, bases: readonly BaseAnswers[]): Float64Array {
  const count = bases.length;
  const likelihoods = new Float64Array(y.length * count);
  for (let b = 0; b < count; b++) {
    const { p } = bases[b]!;
    for (let i = 0; i < y.length; i++) {
      const total = p[3 * i]! + p[3 * i + 1]! + p[3 * i + 2]!;
      likelihoods[i * count + b] = Math.max(p[3 * i + y[i]! + 1]! / total, PROBABILITY_FLOOR);
    }
  }
  return likelihoods;
}

/** Mean −log of the mixture of `likelihoods` (N, B). */
export function mixtureLoss(likelihoods: Float64Array, weights: Float64Array): number {
  const count = weights.length;
  let loss = 0;
  for (let at = 0; at < likelihoods.length; at += count) {
    let mixture = 0;
    for (let b = 0; b < count; b++) mixture += weights[b]! * likelihoods[at + b]!;
    loss -= Math.log(mixture);
  }
  return (loss * count) / likelihoods.length;
}
