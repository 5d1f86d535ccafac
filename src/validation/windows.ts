/**
 * Those of `rows` at which a window of `length` rows ends: rows row−length+1 … row lie in one unbroken run of one piece value, and
 * none before `from`. Pure; `rows` keep their order.
 *
 *     piece   0 0 0 0 0 1 1 1 1     length 3
 *     ends        ● ● ●     ● ●
 */
export function rowsWithWindow(rows: Int32Array, piece: Int32Array, length: number, from = 0): Int32Array {
  // How many rows of the same piece stand before each row, itself included.
  const behind = new Int32Array(piece.length);
  for (let row = 0; row < piece.length; row++) {
    behind[row] = row > 0 && piece[row] === piece[row - 1] ? behind[row - 1]! + 1 : 1;
  }
  return rows.filter((row) => behind[row]! >= length && row - length + 1 >= from);
}
