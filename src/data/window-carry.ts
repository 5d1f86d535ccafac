import { windowTest } from "../validation/index.js";
import { readWindows } from "./windows.js";

/** The windows that end in one batch of a stream. */
export interface CarriedWindows {
  /** Positions in the batch that end a full window, ascending. */
  ends: Int32Array;
  /** Windows of `ends` from `from` to `to` (exclusive): (n, T, F) row-major. */
  read(from: number, to: number): Promise<Float32Array>;
}

/**
 * Windows of rows that come in batches: the last T − 1 rows of what came before are carried on, so a batch's first rows have
 * windows too. Windows stay within one value of `piece`.
 */
export class WindowCarry {
  #X: Float32Array = new Float32Array(0);
  #piece: Int32Array = new Int32Array(0);

  constructor(
    private readonly length: number,
    private readonly featureNames: readonly string[],
  ) {}

  /**
   * Takes the next rows.
   *
   * @param X (n, F) row-major.
   * @param piece (n), numbers that go on from batch to batch.
   */
  add(X: Float32Array, piece: Int32Array): CarriedWindows {
    const { length, featureNames } = this;
    const width = featureNames.length;
    const carried = this.#piece.length;
    const rows = carried === 0 ? X : joined(new Float32Array(this.#X.length + X.length), this.#X, X);
    const pieces = carried === 0 ? piece : joined(new Int32Array(carried + piece.length), this.#piece, piece);
    const first = Math.max(0, pieces.length - (length - 1));
    this.#X = rows.slice(first * width);
    this.#piece = pieces.slice(first);
    const hasWindow = windowTest(pieces, length);
    const ends = Int32Array.from(piece.keys()).filter((row) => hasWindow(carried + row));
    const matrix = { data: rows, shape: [pieces.length, width], featureNames } as const;
    return {
      ends,
      read: (from, to) =>
        readWindows(
          matrix,
          ends.subarray(from, to).map((row) => carried + row),
          length,
        ),
    };
  }
}

function joined<T extends Float32Array | Int32Array>(into: T, before: T, after: T): T {
  into.set(before);
  into.set(after, before.length);
  return into;
}
