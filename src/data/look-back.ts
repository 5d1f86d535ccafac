import type { Timestamps } from "../types/index.js";

/** Rows of a stream; see `FeatureBatch`. */
export interface StreamedRows {
  start: number;
  timestamps: Timestamps;
  X: Float32Array;
  piece: Int32Array;
  total: number | null;
}

/** Rows `from` to `to` (exclusive); X is shared. */
export function sliceRows(
  { start, timestamps, X, piece, total }: StreamedRows,
  from: number,
  to: number,
): StreamedRows {
  const width = X.length / timestamps.length;
  return {
    start: start + from,
    timestamps: timestamps.slice(from, to),
    X: X.subarray(from * width, to * width),
    piece: piece.slice(from, to),
    total,
  };
}

/** The last `length` rows before those that are wanted. */
export class LookBack {
  #rows: StreamedRows | null = null;

  constructor(private readonly length: number) {}

  add(rows: StreamedRows): void {
    const n = rows.timestamps.length;
    if (this.length === 0 || n === 0) return;
    const all = this.#rows === null ? rows : joined(this.#rows, rows);
    const count = all.timestamps.length;
    this.#rows = count <= this.length ? all : sliceRows(all, count - this.length, count);
  }

  /** What was kept, once. */
  take(): StreamedRows | null {
    const rows = this.#rows;
    this.#rows = null;
    return rows;
  }
}

function joined(before: StreamedRows, after: StreamedRows): StreamedRows {
  const timestamps = new Float64Array(before.timestamps.length + after.timestamps.length);
  const X = new Float32Array(before.X.length + after.X.length);
  const piece = new Int32Array(timestamps.length);
  timestamps.set(before.timestamps);
  timestamps.set(after.timestamps, before.timestamps.length);
  X.set(before.X);
  X.set(after.X, before.X.length);
  piece.set(before.piece);
  piece.set(after.piece, before.piece.length);
  return { ...before, timestamps, X, piece };
}

/** Numbers stretches of one value, as they come. */
export class Stretches {
  #count = 0;
  #value: number | null = null;

  /** The next row begins a stretch, whatever its value. */
  break(): void {
    this.#value = null;
    this.#count++;
  }

  number(values: Int32Array): Int32Array {
    return values.map((value) => {
      if (this.#value !== null && value !== this.#value) this.#count++;
      this.#value = value;
      return this.#count;
    });
  }
}
