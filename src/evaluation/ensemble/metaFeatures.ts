import { FoldwiseError } from "../../types/index.js";
import { type BaseAnswers, checkBases } from "./bases.js";

/** Probabilities below this count as this for a meta-learner: one over-sure base moves a log-ratio by at most 13.8. */
export const META_FLOOR = 1e-6;

/** Columns of the dataset that a meta-learner sees beside the bases. */
export interface Passthrough {
  /** (P) */
  names: readonly string[];
  /** (N, P) row-major; NaN is missing. */
  X: Float32Array | Float64Array;
}

export interface MetaFeatures {
  /** (N, 2B + P) row-major. */
  X: Float32Array;
  shape: [rows: number, columns: number];
  names: string[];
}

/**
 * The design matrix of a meta-learner (Wolpert, Stacked Generalization, 1992). Two columns a base, the additive log-ratios with
 * neutral as the reference: log(p₋₁ / p₀) and log(p₁ / p₀), of probabilities clipped at `META_FLOOR`. They hold all that the
 * three probabilities do, none of them follows from the others, and to a linear meta-learner they are the base's own logits.
 * Names are `{base}_log_short` and `{base}_log_long`; passthrough columns follow as they are.
 *
 * @param bases (B ≥ 2) of (N, 3) each; where the meta-learner is fitted, answers to rows that no base was fitted on.
 * @throws FoldwiseError what `checkBases` throws; `data.shape_mismatch` for passthrough columns of other rows,
 *   `data.infinite_feature`, `data.duplicate_column`.
 */
export function metaFeatures(bases: readonly BaseAnswers[], passthrough?: Passthrough): MetaFeatures {
  const n = checkBases(bases);
  const passed = passthrough?.names.length ?? 0;
  const names = metaFeatureNames(bases.map(({ name }) => name));
  names.push(...(passthrough?.names ?? []));
  checkNames(names);
  if (passthrough !== undefined) checkPassthrough(passthrough, n);
  const width = names.length;
  const X = new Float32Array(n * width);
  bases.forEach(({ p }, b) => {
    for (let i = 0; i < n; i++) {
      const neutral = Math.max(p[3 * i + 1]!, META_FLOOR);
      X[i * width + 2 * b] = Math.log(Math.max(p[3 * i]!, META_FLOOR) / neutral);
      X[i * width + 2 * b + 1] = Math.log(Math.max(p[3 * i + 2]!, META_FLOOR) / neutral);
    }
  });
  if (passthrough !== undefined) {
    for (let i = 0; i < n; i++) {
      for (let f = 0; f < passed; f++) X[i * width + width - passed + f] = passthrough.X[i * passed + f]!;
    }
  }
  return { X, shape: [n, width], names };
}

/** Of the bases' columns, two a base. */
export const metaFeatureNames = (bases: readonly string[]): string[] =>
  bases.flatMap((name) => [`${name}_log_short`, `${name}_log_long`]);

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice === undefined) return;
  throw new FoldwiseError("data.duplicate_column", `Two columns of the meta-learner are named ${twice}.`, {
    remedy: "Rename that base or that passthrough feature.",
    details: { name: twice },
  });
}

function checkPassthrough({ names, X }: Passthrough, n: number): void {
  if (X.length !== n * names.length) {
    throw new FoldwiseError(
      "data.shape_mismatch",
      `Got ${X.length} passthrough values for ${n} rows of ${names.length} columns.`,
      { remedy: "Give row-major values of the rows that the bases answered." },
    );
  }
  const infinite = X.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (infinite >= 0) {
    const row = Math.floor(infinite / names.length);
    const column = names[infinite % names.length]!;
    throw new FoldwiseError("data.infinite_feature", `Row ${row} of ${column} is infinite.`, {
      remedy: "Correct or remove the value; missing ones are NaN.",
      details: { row, column },
    });
  }
}
