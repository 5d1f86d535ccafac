import { FoldwiseError, type StoredDataset } from "../types/index.js";

/** Fewer rows say nothing about a model. */
const FEWEST_ROWS = 500;
/** Rows that are read at a time to find a feature that varies; almost always the first two decide. */
const BLOCK = 1024;

/**
 * Throws `data.too_few_rows` below 500 rows, unless they are wanted all the same.
 *
 * @param where subject of the sentence, such as `bars.csv gives`
 */
export function requireEnoughRows(rows: number, where: string, allowSmall: boolean): void {
  if (rows >= FEWEST_ROWS || allowSmall) return;
  throw new FoldwiseError(
    "data.too_few_rows",
    `${where} ${rows} rows; fewer than ${FEWEST_ROWS} say nothing about a model.`,
    { remedy: "Give more bars, or --allow-small to go on all the same.", details: { rows, fewest: FEWEST_ROWS } },
  );
}

/** Throws `data.constant_features` where no feature of the rows, row-major (n, `width`), takes two values. */
export function requireVaryingValues(X: Float32Array, width: number, where: string): void {
  if (!varies(X, X.subarray(0, width))) throw constantFeatures(X.length / width, width, where);
}

/** The same for rows of a stored dataset, of which no more are read than need be. */
export async function requireVaryingRows(dataset: StoredDataset, rows: Int32Array, where: string): Promise<void> {
  const first = await dataset.readRows(rows.subarray(0, 1));
  for (let from = 0; from < rows.length; from += BLOCK) {
    if (varies(await dataset.readRows(rows.subarray(from, from + BLOCK)), first)) return;
  }
  throw constantFeatures(rows.length, dataset.manifest.features.length, where);
}

/** Whether a row differs from the first one; a missing value is a value. */
function varies(X: Float32Array, first: Float32Array): boolean {
  return X.some((value, i) => {
    const other = first[i % first.length]!;
    return value !== other && !(Number.isNaN(value) && Number.isNaN(other));
  });
}

function constantFeatures(rows: number, features: number, where: string): FoldwiseError {
  const which = features === 1 ? "The only feature has" : `All ${features} features have`;
  return new FoldwiseError(
    "data.constant_features",
    `${where}: ${which} one value in all ${rows} training rows: there is nothing to learn from.`,
    {
      remedy: "Check the file that the features were made from, or choose other features.",
      details: { rows, features },
    },
  );
}
