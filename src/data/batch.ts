import type { DuckDBDataChunk } from "@duckdb/node-api";
import type { Vector } from "@duckdb/node-bindings";
import { duckdbBindings } from "./native.js";

/**
 * Columns of one DuckDB chunk as arrays, without an object a value (the node-api's own vectors test validity with
 * BigInt arithmetic a value, which costs more than the decoding). Arrays may be views of DuckDB's memory: use them
 * before the next batch is asked for, and do not write to them.
 */
export class Batch {
  readonly rows: number;

  constructor(
    private readonly chunk: DuckDBDataChunk,
    /** Number of rows before this batch. */
    readonly start: number,
  ) {
    this.rows = chunk.rowCount;
  }

  /** A FLOAT column, null as NaN. */
  float32(column: number): Float32Array {
    const bytes = this.bytes(column, 4);
    return this.withNaN(column, new Float32Array(bytes.buffer, bytes.byteOffset, this.rows));
  }

  /** A DOUBLE column, null as NaN. */
  float64(column: number): Float64Array {
    const bytes = this.bytes(column, 8);
    return this.withNaN(column, new Float64Array(bytes.buffer, bytes.byteOffset, this.rows));
  }

  /** A BIGINT column, null as NaN; exact up to 2^53. */
  int64(column: number): Float64Array {
    const bytes = this.bytes(column, 8);
    const low = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * this.rows);
    const high = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * this.rows);
    const values = new Float64Array(this.rows);
    for (let i = 0; i < this.rows; i++) values[i] = high[2 * i + 1]! * 4294967296 + low[2 * i]!;
    return this.withNaN(column, values);
  }

  /**
   * A list column of `width` floats a row, made by `list_value`: already row-major (n, width), null as NaN. One array a
   * batch instead of one a column; DuckDB's threads have done the transposing.
   */
  packed(column: number, width: number): Float32Array {
    const entries = this.bytes(column, 16);
    const halves = new Uint32Array(entries.buffer, entries.byteOffset, 4 * this.rows);
    for (let i = 0; i < this.rows; i++) {
      if (halves[4 * i] !== i * width || halves[4 * i + 2] !== width) throw new Error("lists are not packed in order");
    }
    const duckdb = duckdbBindings();
    const child = duckdb.list_vector_get_child(duckdb.data_chunk_get_vector(this.chunk.chunk, column));
    const bytes = duckdb.vector_get_data(child, this.rows * width * 4);
    return filled(child, new Float32Array(bytes.buffer, bytes.byteOffset, this.rows * width));
  }

  /** A VARCHAR column. */
  text(column: number): (string | null)[] {
    return this.chunk.getColumnValues(column).map((value) => (value === null ? null : String(value)));
  }

  private bytes(column: number, width: number): Uint8Array {
    const duckdb = duckdbBindings();
    return duckdb.vector_get_data(duckdb.data_chunk_get_vector(this.chunk.chunk, column), this.rows * width);
  }

  private withNaN<A extends Float32Array | Float64Array>(column: number, values: A): A {
    return filled(duckdbBindings().data_chunk_get_vector(this.chunk.chunk, column), values);
  }
}

/** Null as NaN: the same array where the vector has no null, a copy otherwise. */
function filled<A extends Float32Array | Float64Array>(vector: Vector, values: A): A {
  const validity: Uint8Array | null = duckdbBindings().vector_get_validity(vector, Math.ceil(values.length / 64) * 8);
  if (validity === null) return values;
  const copy = values.slice() as A;
  for (let byte = 0; 8 * byte < values.length; byte++) {
    if (validity[byte] === 255) continue;
    const end = Math.min(8 * byte + 8, values.length);
    for (let i = 8 * byte; i < end; i++) if ((validity[byte]! & (1 << (i & 7))) === 0) copy[i] = Number.NaN;
  }
  return copy;
}
