import type { PredictionOutput } from "../types/index.js";
import { rowsWithWindow } from "../validation/index.js";
import { readWindows } from "./windows.js";

/** Rows of a stream in the order of the model's features. */
export interface RowBlock {
  /** Row-major (n, F). */
  X: Float32Array;
  /** (n): windows stay within one value. */
  piece: Int32Array;
  /** Rows that are to be answered, `from` to `to` (exclusive); the others are context. */
  wanted: { from: number; to: number };
}

/** Answers of some rows of a block. */
export interface BlockAnswer {
  /** (m) rows of the block. */
  rows: Int32Array;
  output: PredictionOutput;
}

/** Windows a call: some megabytes, as the predictor takes them. */
const WINDOWS = 256;

/**
 * Answers rows that come in blocks by a model of windows: the last T−1 rows of what came before are kept, so that a window may
 * begin in an earlier block.
 */
export class WindowStream {
  #X: Float32Array = new Float32Array(0);
  #piece: Int32Array = new Int32Array(0);
  /** Rows that were wanted, but end no window. */
  windowless = 0;

  /** @param predict of windows (n, T, F). */
  constructor(
    private readonly seqLen: number,
    private readonly width: number,
    private readonly predict: (windows: Float32Array, n: number) => Promise<PredictionOutput>,
  ) {}

  async *answer({ X, piece, wanted }: RowBlock): AsyncGenerator<BlockAnswer> {
    const kept = this.#piece.length;
    const rows = joined(this.#X, X);
    const pieces = Int32Array.from([...this.#piece, ...piece]);
    const asked = Int32Array.from({ length: wanted.to - wanted.from }, (_, i) => kept + wanted.from + i);
    const ends = rowsWithWindow(asked, pieces, this.seqLen);
    this.windowless += asked.length - ends.length;
    const matrix = { data: rows, shape: [pieces.length, this.width] as const, featureNames: new Array(this.width) };
    for (let from = 0; from < ends.length; from += WINDOWS) {
      const some = ends.subarray(from, from + WINDOWS);
      const output = await this.predict(await readWindows(matrix, some, this.seqLen), some.length);
      yield { rows: some.map((row) => row - kept), output };
    }
    const first = Math.max(0, pieces.length - (this.seqLen - 1));
    this.#X = rows.slice(first * this.width);
    this.#piece = pieces.slice(first);
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  if (a.length === 0) return b;
  const out = new Float32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
