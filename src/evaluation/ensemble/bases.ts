import { CLASS_COUNT, FoldwiseError } from "../../types/index.js";
import { MINIMUM_EFFECTIVE_LABELS } from "../effectiveLabels.js";
import { checkDistribution, checkScored, type Probabilities, rowsAt } from "../losses.js";
import { classesIn } from "../prior.js";

/** What one base model of an ensemble says of N rows, the same rows for every base. */
export interface BaseAnswers {
  name: string;
  /** (N, 3), columns −1, 0, 1. */
  p: Probabilities;
}

/**
 * Checks the bases of an ensemble (B ≥ 2) and returns N.
 * Throws `config.too_few_bases`, `config.duplicate_base`, `data.no_rows`, `data.shape_mismatch`, `data.bad_probabilities`.
 */
export function checkBases(bases: readonly BaseAnswers[]): number {
  const [first] = bases;
  if (first === undefined || bases.length < 2) {
    throw new FoldwiseError(
      "config.too_few_bases",
      first === undefined
        ? "There is no base model."
        : `There is one base model, ${first.name}; an ensemble needs two.`,
      { remedy: "Name at least two base models, or use the single one by itself." },
    );
  }
  const twice = bases.find(({ name }, b) => bases.findIndex((other) => other.name === name) < b);
  if (twice !== undefined) {
    throw new FoldwiseError("config.duplicate_base", `Two base models are named ${twice.name}.`, {
      remedy: "Give each base a name of its own, or name the model once.",
      details: { name: twice.name },
    });
  }
  const n = first.p.length / CLASS_COUNT;
  for (const { name, p } of bases) {
    if (p.length !== first.p.length || !Number.isInteger(n)) {
      throw new FoldwiseError(
        "data.shape_mismatch",
        `${name} has ${p.length} probabilities, ${first.name} has ${first.p.length}; expected 3 a row of the same rows.`,
        { remedy: "Predict the same rows with every base.", details: { bases: [first.name, name] } },
      );
    }
  }
  if (n === 0) {
    throw new FoldwiseError("data.no_rows", "The base models have answered no row.", {
      remedy: "Give at least one row; check what purging and the embargo left.",
    });
  }
  for (const { name, p } of bases) for (let i = 0; i < n; i++) checkDistribution(p, i, name);
  return n;
}

/** `checkBases`, and labels (N) in −1, 0, 1. Throws `data.bad_label` besides. */
export function checkLabelledBases(y: Int8Array, bases: readonly BaseAnswers[]): number {
  const n = checkBases(bases);
  checkScored(y, bases[0]!.p);
  return n;
}

/**
 * Weights of B bases, scaled to sum 1.
 * Throws `config.bad_weights` for another number of them, a negative or infinite one, NaN, or nothing but zeros.
 */
export function checkWeights(weights: ArrayLike<number>, bases: readonly { name: string }[]): Float64Array {
  const refuse = (message: string): never => {
    throw new FoldwiseError("config.bad_weights", message, {
      remedy: "Give every base one finite weight ≥ 0, at least one of them above 0.",
      details: { bases: bases.map(({ name }) => name), got: Array.from(weights) },
    });
  };
  if (weights.length !== bases.length) refuse(`Got ${weights.length} weights for ${bases.length} base models.`);
  const scaled = Float64Array.from(weights);
  const bad = scaled.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad >= 0) refuse(`${bases[bad]!.name} has the weight ${scaled[bad]}; weights must be finite and ≥ 0.`);
  const total = scaled.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0 && total < Number.POSITIVE_INFINITY))
    refuse(`The weights of ${bases.length} base models sum to ${total}.`);
  return scaled.map((weight) => weight / total);
}

/** 1 / B each. */
export const equalWeights = (count: number): Float64Array => new Float64Array(count).fill(1 / count);

/**
 * Why nothing is fitted on these labels, or null where there are enough of more than one class.
 *
 * @param effectiveLabels What `y` is worth as independent labels: the sum of the rows' average uniqueness.
 * @throws FoldwiseError `config.bad_value` for a number below 0 or above that of the rows.
 */
export function whyEqual(y: Int8Array, effectiveLabels: number): string | null {
  // A sum of float32 shares may end a little above the number of rows.
  if (!(effectiveLabels >= 0 && effectiveLabels <= y.length * (1 + 1e-5))) {
    throw new FoldwiseError("config.bad_value", `Got ${effectiveLabels} effective labels for ${y.length} rows.`, {
      remedy: "Give the sum of the average uniqueness of exactly these rows, a number from 0 to that of the rows.",
    });
  }
  if (effectiveLabels < MINIMUM_EFFECTIVE_LABELS) {
    return `equal weights: ${effectiveLabels.toFixed(1)} effective labels, at least ${MINIMUM_EFFECTIVE_LABELS} are needed to fit any`;
  }
  const [first, ...others] = classesIn(y);
  return others.length > 0 ? null : `equal weights: every label is ${first}, two classes are needed to fit any`;
}

/** Throws `config.bad_value` unless `value` is finite and ≥ `least`, or > 0 where `least` is left out. */
export function checkStrength(name: string, value: number, least?: number): void {
  if ((least === undefined ? value > 0 : value >= least) && value < Number.POSITIVE_INFINITY) return;
  throw new FoldwiseError(
    "config.bad_value",
    `${name} is ${value}; it must be a finite number ${least === undefined ? "> 0" : `≥ ${least}`}.`,
    { remedy: `Leave ${name} out for its default, or give such a number.` },
  );
}

/** The bases' answers to these rows only, in the order of `rows`. */
export function basesOfRows(bases: readonly BaseAnswers[], rows: Int32Array): BaseAnswers[] {
  return bases.map(({ name, p }) => ({ name, p: rowsAt(p, rows) }));
}
