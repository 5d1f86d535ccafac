import { type FeatureMatrix, FoldwiseError } from "../types/index.js";
import { latestEnds, purgeBefore } from "../validation/index.js";

/** Below this the probabilities rest on too little to be taken at their word. */
const FEW = 30;

/** Positions among the training rows, ascending in time. */
export interface ProbabilitySplit {
  fit: Int32Array;
  probability: Int32Array;
  /** For the report. */
  warnings: string[];
}

/**
 * Parts the training rows of a model whose probabilities are fitted on rows that its scores have not seen.
 *
 *     ├──────────── fit ────────────┤ p ├─ probability ─┤   time; p purged
 *
 * The last `share` of the rows (in time) makes the probabilities. Rows before it go where their label interval, to the latest
 * end over all horizons of the dataset, reaches its first row. Arrays in memory carry no times: a label then takes one
 * row, the least there is, and a warning says so.
 *
 * @throws FoldwiseError `data.few_rows` when either part is left empty.
 */
export function splitForProbabilities(X: FeatureMatrix, share: number): ProbabilitySplit {
  const n = X.shape[0];
  const count = Math.round(n * share);
  const order = X.kind === "view" ? inTime(X.rows) : Int32Array.from({ length: n }, (_, i) => i);
  const probability = order.slice(n - count);
  const earlier = order.subarray(0, n - count);
  const first = probability[0];
  const warnings: string[] = [];
  let fit = new Int32Array(0);
  if (first !== undefined && X.kind === "view") {
    const { dataset, rows } = X;
    const ends = latestEnds(dataset.manifest.horizons.map((horizon) => dataset.labelEnds(horizon)));
    const known = new Set(
      purgeBefore(
        earlier.map((i) => rows[i]!),
        ends,
        dataset.timestamps()[rows[first]!]!,
      ).kept,
    );
    fit = earlier.filter((i) => known.has(rows[i]!));
  } else {
    fit = earlier.slice(0, -1);
    warnings.push(
      "The rows carry no times: only the last row before those that make the probabilities was purged. Labels that take longer than a row reach into them; fit on the rows of a dataset for a whole purge.",
    );
  }
  if (fit.length === 0 || probability.length === 0) {
    throw new FoldwiseError(
      "data.few_rows",
      `Of ${n} training rows ${fit.length} are left to fit on and ${probability.length} to make the probabilities on.`,
      { remedy: "Use more training rows, or shorter horizons.", details: { rows: n, share } },
    );
  }
  if (probability.length < FEW) {
    warnings.push(`Only ${probability.length} rows make the probabilities: they stay close to the class shares.`);
  }
  return { fit, probability, warnings };
}

/** Positions of `rows` in ascending order of row number, which is that of time. */
function inTime(rows: Int32Array): Int32Array {
  return Int32Array.from(rows, (_, i) => i).sort((a, b) => rows[a]! - rows[b]!);
}
