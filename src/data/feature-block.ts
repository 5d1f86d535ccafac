import type { Batch } from "./batch.js";
import { type ColumnRequest, canPack, type PackedRequest, readerOf, type Table } from "./table.js";
import { transpose } from "./transpose.js";

/**
 * How the features of a table come row-major: packed by DuckDB where all are float32 in the file, transposed here
 * otherwise (float64 files, CSV), because DuckDB's own rounding to float32 would refuse a large value without its row.
 */
export class FeatureBlock {
  readonly requests: (ColumnRequest | PackedRequest)[];
  private readonly isPacked: boolean;
  private readonly isFloat32: boolean[];
  private block = new Float32Array(0);

  /** `at` is the index of the first feature among the requests of the read. */
  constructor(
    table: Table,
    private readonly names: readonly string[],
    private readonly at: number,
  ) {
    const requests = names.map((name): ColumnRequest => ({ name, as: "number" }));
    this.isPacked = canPack(table, names);
    this.isFloat32 = requests.map((request) => readerOf(table, request) === "float32");
    this.requests = this.isPacked ? [{ pack: names }] : requests;
  }

  /** Row-major (n, F); valid until the next batch. */
  read(batch: Batch): Float32Array {
    const F = this.names.length;
    if (this.isPacked) return batch.packed(this.at, F);
    if (this.block.length < batch.rows * F) this.block = new Float32Array(batch.rows * F);
    const block = this.block.subarray(0, batch.rows * F);
    transpose(
      this.names.map((_, j) => this.column(batch, j)),
      block,
      batch.rows,
    );
    return block;
  }

  /** A value as the file has it, before rounding to float32; for messages. */
  valueAt(batch: Batch, row: number, feature: number): number {
    if (this.isPacked) return batch.packed(this.at, this.names.length)[row * this.names.length + feature]!;
    return this.column(batch, feature)[row]!;
  }

  private column(batch: Batch, feature: number): Float32Array | Float64Array {
    const k = this.at + feature;
    return this.isFloat32[feature] === true ? batch.float32(k) : batch.float64(k);
  }
}
