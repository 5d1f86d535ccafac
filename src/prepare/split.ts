import { FoldwiseError, type PartName, type RowRange } from "../types/index.js";

/**
 * Cuts rows 0 … `rows` − 1 in time order by row count.
 *
 * @throws FoldwiseError `data.too_few_bars` when a part would be empty.
 */
export function splitRows(rows: number, shares: Record<PartName, number>): Record<PartName, RowRange> {
  const val = Math.floor(rows * shares.train);
  const test = Math.floor(rows * (shares.train + shares.val));
  if (val === 0 || test === val || test === rows) {
    throw new FoldwiseError("data.too_few_bars", `${rows} rows are too few to be split into train, val and test.`, {
      remedy: "Use more bars, or features with shorter look-backs.",
      details: { rows },
    });
  }
  return { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: rows } };
}
