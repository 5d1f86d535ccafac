/**
 * Tells of a row whether it ends a full window: whether the `length` rows up to and with it lie in one unbroken run of one piece,
 * none before `from`.
 *
 * ```
 * length 3, from 0     row    0 1 2 3 4 5 6 7 8
 *                      piece  0 0 0 0 1 1 1 1 0     a value that comes again begins a run of its own
 *                      ends       ■ ■     ■ ■
 * length 3, from 2     ends                 ■ ■       those of rows 2 and 3 reach back before row 2
 * ```
 *
 * @param piece (N), of every row of the dataset.
 * @throws RangeError for a row that there is not, when the answer is asked for.
 */
export function windowTest(piece: Int32Array, length: number, from = 0): (row: number) => boolean {
  if (!Number.isInteger(length) || length < 1) throw new RangeError(`a window of ${length} rows`);
  const n = piece.length;
  const runStart = new Int32Array(n);
  for (let row = 1; row < n; row++) runStart[row] = piece[row] === piece[row - 1] ? runStart[row - 1]! : row;
  return (row) => {
    const start = runStart[row];
    if (start === undefined) throw new RangeError(`row ${row} of a dataset of ${n} rows`);
    return row - length + 1 >= Math.max(start, from);
  };
}

/** Those of `rows` (any order, kept) that end a full window of `length` rows; see {@link windowTest}. */
export function rowsWithWindow(rows: Int32Array, piece: Int32Array, length: number, from = 0): Int32Array {
  const hasWindow = windowTest(piece, length, from);
  return rows.filter((row) => hasWindow(row));
}

/** Rows of the longest unbroken run of one piece; 0 without rows. */
export function longestRun(piece: Int32Array): number {
  let [longest, length] = [0, 0];
  for (let row = 0; row < piece.length; row++) {
    length = row > 0 && piece[row] === piece[row - 1] ? length + 1 : 1;
    longest = Math.max(longest, length);
  }
  return longest;
}
