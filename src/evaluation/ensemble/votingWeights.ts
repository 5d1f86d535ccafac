import { type BaseAnswers, checkLabelledBases, checkStrength, checkWeights, equalWeights, whyEqual } from "./bases.js";
import { labelProbabilities, mixtureLoss } from "./likelihoods.js";
import { type Expansion, newtonMinimum } from "./newton.js";

export interface VotingWeightsOptions {
  /** What the rows are worth as independent labels: the sum of their average uniqueness. */
  effectiveLabels: number;
  /** Labels that the wish for equal weights is worth, ≥ 0; see `fitVotingWeights`. */
  shrinkage?: number;
}

export interface VotingWeights {
  /** (B) ≥ 0, sum 1. */
  weights: number[];
  /** Mean log-loss of the weighted mean on these rows, which it was fitted on. Nats. */
  logLoss: number;
  /** The same with equal weights. */
  equalLogLoss: number;
  /** Why nothing was fitted; null where it was. */
  reason: string | null;
}

/**
 * By trial, on 1 500 rows worth 75 labels (30 and 20 seeds; nats on fresh rows against the prior, ± 0.003). Ten noise models: equal
 * weights −0.002, without shrinkage +0.008, with this −0.002. Three good ones among ten: −0.034, −0.073 and −0.052.
 */
export const VOTING_SHRINKAGE = 10;

/** Keeps the problem strictly convex where bases say the same and no shrinkage is wanted. Labels. */
const LEAST_SHRINKAGE = 1e-6;

interface Mixture {
  /** (N, B) */
  likelihoods: Float64Array;
  /** Shares of the labels' and the prior's part in the objective; the prior's is divided by B. */
  evidence: number;
  prior: number;
}

/**
 * Weights of a soft vote, w ≥ 0 and Σw = 1, that minimise
 *
 *     n · mean log-loss of Σ_b w_b p_b  +  shrinkage · KL(equal ‖ w),   n = effectiveLabels
 *
 * which is the mode under a Dirichlet prior of mean 1 / B worth `shrinkage` labels. So the evidence is counted in effective
 * labels and not in rows: ten noise models on few of them stay near equal. The problem is convex; Newton's method begins at
 * equal weights: deterministic, and bases that say the same get the same weight.
 *
 * @param y (N) in −1, 0, 1.
 * @param bases (B ≥ 2) of (N, 3) each, on rows that no base was fitted on.
 * @returns Equal weights with a reason below `MINIMUM_EFFECTIVE_LABELS`, or where all labels are of one class.
 * @throws FoldwiseError what `checkLabelledBases` throws; `config.bad_value` for a negative shrinkage, or effective
 *   labels below 0 or above the rows.
 */
export function fitVotingWeights(
  y: Int8Array,
  bases: readonly BaseAnswers[],
  { effectiveLabels, shrinkage = VOTING_SHRINKAGE }: VotingWeightsOptions,
): VotingWeights {
  checkLabelledBases(y, bases);
  checkStrength("shrinkage", shrinkage, 0);
  const reason = whyEqual(y, effectiveLabels);
  const likelihoods = labelProbabilities(y, bases);
  const equal = equalWeights(bases.length);
  const equalLogLoss = mixtureLoss(likelihoods, equal);
  if (reason !== null) {
    return { weights: [...equal], logLoss: equalLogLoss, equalLogLoss, reason };
  }
  const strength = Math.max(shrinkage, LEAST_SHRINKAGE);
  const total = effectiveLabels + strength;
  const mixture = { likelihoods, evidence: effectiveLabels / total, prior: strength / bases.length / total };
  const found = newtonMinimum(equal, {
    expand: (at) => expand(mixture, at),
    value: (at) => objective(mixture, at),
  });
  const weights = checkWeights(found, bases);
  return { weights: [...weights], logLoss: mixtureLoss(likelihoods, weights), equalLogLoss, reason };
}

/**
 * Without the condition Σw = 1, w > 0 minimises −n · mean_i log m_i − (s / B) Σ_b log w_b + (n + s) Σ_b w_b, m_i = Σ_b w_b l_ib,
 * at the very same place: there every derivative is 0, and w · gradient = 0 says Σw = 1. All of it divided by n + s.
 */
function expand({ likelihoods, evidence, prior }: Mixture, w: Float64Array): Expansion {
  const count = w.length;
  const gradient = new Float64Array(count).fill(1);
  const hessian = new Float64Array(count * count);
  const scale = (evidence * count) / likelihoods.length;
  for (let at = 0; at < likelihoods.length; at += count) {
    let mixture = 0;
    for (let b = 0; b < count; b++) mixture += w[b]! * likelihoods[at + b]!;
    for (let b = 0; b < count; b++) {
      const ratio = (scale * likelihoods[at + b]!) / mixture;
      gradient[b]! -= ratio;
      for (let c = 0; c <= b; c++) hessian[b * count + c]! += (ratio * likelihoods[at + c]!) / mixture;
    }
  }
  for (let b = 0; b < count; b++) {
    gradient[b]! -= prior / w[b]!;
    hessian[b * count + b]! += prior / w[b]! ** 2;
    for (let c = 0; c < b; c++) hessian[c * count + b] = hessian[b * count + c]!;
  }
  return { gradient, hessian };
}

function objective({ likelihoods, evidence, prior }: Mixture, w: Float64Array): number {
  if (w.some((weight) => !(weight > 0))) return Number.POSITIVE_INFINITY;
  const penalty = w.reduce((sum, weight) => sum + weight - prior * Math.log(weight), 0);
  return evidence * mixtureLoss(likelihoods, w) + penalty;
}
