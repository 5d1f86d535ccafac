import type { CrossFitFold } from "../crossFitFold.js";
import { MINIMUM_EFFECTIVE_LABELS } from "../effectiveLabels.js";
import { checkScored, type Probabilities, rowLogLosses, weightedMean } from "../losses.js";
import type { ClassShares } from "../prior.js";
import { momentsOf } from "../sharpe.js";
import { CALIBRATOR_KINDS, type Calibrator, type CalibratorKind, checkPrior } from "./calibrator.js";
import { crossFitted, testedRows } from "./crossFit.js";
import { checkEffectiveLabels, fitCalibrator, requireTwoClasses } from "./fit.js";

/** Ten labels for each parameter of vector scaling, as of any regression. */
const FEWEST_FOR_VECTOR = 60;

/**
 * By how many standard errors of the paired difference a kind must beat the one held so far. The kinds that lead to the prior
 * need less than those that leave it: those are wrong where a sample's class shares stray by chance, and then by much.
 *
 * Found by simulation (10 markets: noise of four sorts, over-fitted, over- and under-confident, tilted, calibrated; 37, 100 and
 * 600 effective labels; 40 tries of each; mean log-loss on fresh rows above that of the best kind). By the least cross-fitted
 * loss within 1/2 error, temperature before prior: 0.0228, 0.0063, 0.0003; by this rule: 0.0143, 0.0054, 0.0006; on noise alone
 * 0.0254, 0.0042, 0.0003 and 0.0039, 0.0011, 0.0002.
 */
const NEEDED_ERRORS = { none: 0, prior: 0.5, pool: 0.5, temperature: 1, vector: 1 } as const satisfies Record<
  CalibratorKind,
  number
>;

/** Nats; a smaller gain is rounding, such as that of a kind fitted to change nothing. */
const RESOLUTION = 1e-6;

export interface CalibrationChoiceInput {
  /** Class shares of the training rows, order −1, 0, 1. */
  prior: ClassShares;
  /** Inner folds of these rows, such as those of `purgedKFold` with positions among them. */
  folds: readonly CrossFitFold[];
  /** Sum of the rows' average uniqueness: about how many independent labels they hold. */
  effectiveLabels: number;
  /** Taken whatever it gains; left out: the one that helps, if one does. */
  kind?: CalibratorKind;
}

/** What a kind loses on rows that its fit did not see. Nats. */
export interface CalibratorScore {
  kind: CalibratorKind;
  /** Mean over the tested rows. */
  logLoss: number;
  /** The loss of `none` less this one: above zero it helps. */
  gain: number;
  /** Of the gain: its deviation by row / √(effective labels among the tested rows), as labels that overlap count as one. */
  standardError: number;
}

export interface CalibrationChoice {
  /** Of the chosen kind, fitted on all rows. */
  calibrator: Calibrator;
  /** Why, as a sentence for the report. */
  reason: string;
  /**
   * (N, 3) what the chosen kind says of each row when fitted on the other folds; raw where no fold tests the row, or where the
   * rows to fit on hold one class. The fit never saw the row's label; the choice among the kinds did.
   */
  crossFitted: Float64Array;
  /** Of the kinds that were tried, in the order of `CALIBRATOR_KINDS`; empty where none was. */
  scores: CalibratorScore[];
  /** Rows that the scores are means of. */
  tested: number;
}

/**
 * `calibration: auto`: every kind is cross-fitted over the folds. From `none` on, in the order of `CALIBRATOR_KINDS`, each takes
 * the place of the one held so far if its log-loss is lower by enough: half a standard error of the paired difference for
 * `prior` and `pool`, one for `temperature` and `vector` (after the one-standard-error rule of Breiman et al., 1984). So what
 * does not help is not applied, and on a market without signal the answer is all but the prior.
 * Fewer than 30 effective labels: `none`. Fewer than 60: not `vector`. A prior of zero for a class: only `none` and `prior`,
 * which leave zeros as they are.
 *
 * @param y (N) labels of rows that the model's fit did not use. @param raw (N, 3) what it says of them.
 * @throws FoldwiseError `data.one_class`, `data.bad_folds`, and those of `fitCalibrator`.
 */
export function chooseCalibrator(y: Int8Array, raw: Probabilities, input: CalibrationChoiceInput): CalibrationChoice {
  const { prior, folds, effectiveLabels, kind } = input;
  checkScored(y, raw);
  checkPrior(prior);
  checkEffectiveLabels(effectiveLabels);
  if (effectiveLabels < MINIMUM_EFFECTIVE_LABELS) {
    const reason = `${Math.floor(effectiveLabels)} effective labels, and at least ${MINIMUM_EFFECTIVE_LABELS} are needed`;
    return { calibrator: { kind: "none" }, reason, crossFitted: Float64Array.from(raw), scores: [], tested: 0 };
  }
  requireTwoClasses(y, prior);
  const tested = testedRows(folds, y.length);
  const tried = kindsFor(input).map((kind): Tried => {
    const answers = crossFitted(kind, y, raw, input);
    const losses = rowLogLosses(y, answers);
    return { kind, answers, losses: Float64Array.from(tested, (i) => losses[i]!) };
  });
  const labels = (effectiveLabels * tested.length) / y.length;
  const chosen = kind === undefined ? challenge(tried, labels) : tried.find((each) => each.kind === kind)!;
  const scores = scoresOf(tried, labels);
  return {
    calibrator: fitCalibrator(chosen.kind, y, raw, { prior, effectiveLabels }),
    reason: kind === undefined ? reasonOf(chosen.kind, scores) : "as configured",
    crossFitted: chosen.answers,
    scores,
    tested: tested.length,
  };
}

interface Tried {
  kind: CalibratorKind;
  answers: Float64Array;
  /** (tested rows) */
  losses: Float64Array;
}

function kindsFor({ prior, effectiveLabels, kind: asked }: CalibrationChoiceInput): CalibratorKind[] {
  const zeros = prior.includes(0);
  return CALIBRATOR_KINDS.filter((kind) => {
    if (kind === asked || kind === "none" || kind === "prior") return true;
    return !zeros && (kind !== "vector" || effectiveLabels >= FEWEST_FOR_VECTOR);
  });
}

/** The last that beat the one held before it. */
function challenge(tried: readonly Tried[], labels: number): Tried {
  return tried.reduce((held, each) => {
    const { mean, error } = paired(held.losses, each.losses, labels);
    return mean > Math.max(NEEDED_ERRORS[each.kind] * error, RESOLUTION) ? each : held;
  });
}

function scoresOf(tried: readonly Tried[], labels: number): CalibratorScore[] {
  return tried.map(({ kind, losses }) => {
    const { mean, error } = paired(tried[0]!.losses, losses, labels);
    return { kind, logLoss: weightedMean(losses), gain: mean, standardError: error };
  });
}

function reasonOf(chosen: CalibratorKind, scores: readonly CalibratorScore[]): string {
  const best = scores.reduce((a, b) => (b.gain > Math.max(a.gain, RESOLUTION) ? b : a));
  const { kind, gain, standardError } = scores.find((score) => score.kind === chosen && chosen !== "none") ?? best;
  if (kind === "none") return "no kind lowers the cross-fitted log-loss";
  const figures = `cross-fitted gain ${gain.toFixed(4)}, standard error ${standardError.toFixed(4)}`;
  return chosen === "none" ? `${kind} helps too little: ${figures}` : `${kind} helps: ${figures}`;
}

/** Mean of the row by row difference, and the standard error of that mean. */
function paired(a: Float64Array, b: Float64Array, labels: number): { mean: number; error: number } {
  const { mean, deviation } = momentsOf(a.map((value, i) => value - b[i]!));
  return { mean, error: (deviation ?? 0) / Math.sqrt(labels) };
}
