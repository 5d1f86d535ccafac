import { CLASS_COUNT, FoldwiseError } from "../../types/index.js";
import { rowLogLosses, weightedMean } from "../losses.js";
import { type BaseAnswers, checkBases, checkLabelledBases, checkStrength, whyEqual } from "./bases.js";
import { centredLogs, expand, type MetaCoefficients, objective, probabilitiesOf } from "./metaObjective.js";
import { newtonMinimum } from "./newton.js";

export interface MetaLogisticOptions {
  /** What the rows are worth as independent labels: the sum of their average uniqueness. */
  effectiveLabels: number;
  /** Precision of the prior around equal weights, > 0; see `fitMetaLogistic`. */
  strength?: number;
  /** (N) > 0, scaled to mean 1 here: how much each row's loss counts; all alike by default. */
  weights?: Float32Array;
  /** A coefficient for each class of each base, in the place of one a base. */
  perClass?: boolean;
}

/** A fitted meta-learner: plain data, fit for JSON. */
export interface MetaLogistic extends MetaCoefficients {
  kind: "meta_logistic";
  /** Names of the B bases, in order. */
  bases: string[];
  strength: number;
  effectiveLabels: number;
  /** Mean log-loss on the rows it was fitted on. Nats. */
  logLoss: number;
  /** Why nothing was fitted and the weights are equal; null where it was. */
  reason: string | null;
}

/**
 * By the same trial as `VOTING_SHRINKAGE`. Ten noise models: all but without a ridge −0.030 on the fitted rows and +0.032 on fresh
 * ones, with this −0.002 on fresh ones. Three good ones among ten: −0.043 and −0.069.
 */
export const META_STRENGTH = 40;

/**
 * The default meta-learner of stacking and blending: a multinomial logistic regression on the bases' log-probabilities,
 *
 *     z_k = bias_k + Σ_b w_b · l_bk,   p = softmax(z),   l_bk = log p_bk − mean over k,   p_bk clipped at `META_FLOOR`
 *
 * drawn towards equal weights by a ridge:
 *
 *     n · mean log-loss  +  strength / 2 · (Σ_b (w_b − 1 / B)² + Σ_k bias_k²),   n = effectiveLabels
 *
 * At w_b = 1 / B it is the geometric mean of the bases (the logarithmic opinion pool). Σ w_b below 1 cools bases that are too
 * sure, above 1 it sharpens; with `perClass` w_b is w_bk, and its squares are averaged over k. The evidence is counted in
 * effective labels and not in rows. Strictly convex, by Newton's method from equal weights: deterministic.
 *
 * @param y (N) in −1, 0, 1.
 * @param bases (B ≥ 2) of (N, 3) each, on rows that no base was fitted on.
 * @returns Equal weights with a reason below `MINIMUM_EFFECTIVE_LABELS`, or where all labels are of one class.
 * @throws FoldwiseError what `checkLabelledBases` throws; `data.bad_weights`; `config.bad_value` for a strength ≤ 0, or effective labels below
 *   0 or above the rows.
 */
export function fitMetaLogistic(
  y: Int8Array,
  bases: readonly BaseAnswers[],
  { effectiveLabels, strength = META_STRENGTH, perClass = false, weights }: MetaLogisticOptions,
): MetaLogistic {
  checkLabelledBases(y, bases);
  checkStrength("strength", strength);
  const reason = whyEqual(y, effectiveLabels);
  const count = bases.length;
  const classes = perClass ? CLASS_COUNT : 1;
  const equal = new Float64Array(count * classes + CLASS_COUNT).fill(1 / count, 0, count * classes);
  const problem = {
    y,
    logs: centredLogs(bases),
    count,
    classes,
    ridge: strength / effectiveLabels,
    weights: meanOne(weights, y.length),
    equal,
  };
  const fitted =
    reason === null
      ? newtonMinimum(equal, { expand: (at) => expand(problem, at), value: (at) => objective(problem, at) })
      : equal;
  const parts = Array.from({ length: count }, (_, b) => [...fitted.subarray(b * classes, (b + 1) * classes)]);
  const model: MetaCoefficients = { coefficients: parts, bias: [...fitted.subarray(count * classes)] };
  return {
    kind: "meta_logistic",
    bases: bases.map(({ name }) => name),
    ...model,
    strength,
    effectiveLabels,
    logLoss: weightedMean(rowLogLosses(y, probabilitiesOf(model, problem.logs))),
    reason,
  };
}

/**
 * What a fitted meta-learner says of rows.
 *
 * @param bases The bases it was fitted with, in that order: (N, 3) each.
 * @returns (N, 3)
 * @throws FoldwiseError `config.other_bases` for other names or another order; what `checkBases` throws.
 */
export function applyMetaLogistic(model: MetaLogistic, bases: readonly BaseAnswers[]): Float64Array {
  checkBases(bases);
  const names = bases.map(({ name }) => name);
  if (names.length !== model.bases.length || names.some((name, b) => name !== model.bases[b])) {
    throw new FoldwiseError(
      "config.other_bases",
      `The meta-learner was fitted with ${model.bases.join(", ")}; it was given ${names.join(", ")}.`,
      { remedy: "Give the same bases in the same order, or fit again.", details: { fitted: model.bases, got: names } },
    );
  }
  return probabilitiesOf(model, centredLogs(bases));
}

/** Throws `data.bad_weights` unless there is one finite weight above 0 a row. */
function meanOne(weights: Float32Array | undefined, n: number): Float64Array {
  if (weights === undefined) return new Float64Array(n).fill(1);
  let sum = 0;
  for (const weight of weights) sum += weight > 0 ? weight : Number.NaN;
  if (weights.length !== n || !Number.isFinite(sum)) {
    throw new FoldwiseError("data.bad_weights", `Got ${weights.length} weights of sum ${sum} for ${n} rows.`, {
      remedy: "Give every row one finite weight above 0.",
    });
  }
  return Float64Array.from(weights, (weight) => (weight * n) / sum);
}
