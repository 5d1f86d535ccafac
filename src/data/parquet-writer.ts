import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from "@duckdb/node-api";
import type { Vector } from "@duckdb/node-bindings";
import { makeFolder, temporaryName } from "../files/index.js";
import { NO_LABEL } from "../types/index.js";
import { asDuckDBWriteError } from "./duckdb.js";
import { toInt64 } from "./int64.js";
import { duckdbApi, duckdbBindings } from "./native.js";
import { SET_KEY } from "./parquet-footer.js";

/**
 * A column to write. `stamp`: µs, NaN as null. `label`: `NO_LABEL` as null. `matrix`: one column of a row-major matrix.
 * NaN of numbers stays NaN.
 */
export type ColumnToWrite = { name: string } & (
  | { type: "stamp" | "float64"; values: Float64Array }
  | { type: "float32"; values: Float32Array }
  | { type: "matrix"; values: Float32Array; width: number; column: number }
  | { type: "label"; values: Int8Array }
  | { type: "int32"; values: Int32Array }
  | { type: "text"; values: readonly string[] }
);

/** DuckDB's type of a column to write. */
export function duckdbType({ type }: Pick<ColumnToWrite, "type">): DuckDBType {
  const { DOUBLE, FLOAT, INTEGER, TIMESTAMPTZ, TINYINT, VARCHAR } = duckdbApi();
  const types: Record<ColumnToWrite["type"], DuckDBType> = {
    stamp: TIMESTAMPTZ,
    float64: DOUBLE,
    float32: FLOAT,
    matrix: FLOAT,
    label: TINYINT,
    int32: INTEGER,
    text: VARCHAR,
  };
  return types[type];
}

/** Several row groups let a reader decode on several threads. */
const ROW_GROUP = 20480;

/**
 * Writes rows `start` to `end` of the columns as Parquet under a temporary name beside `path`, which it returns; the
 * caller publishes it. `setId`, hexadecimal, is the same in all files that belong together. DuckDB pulls the rows through a table function, so nothing is copied but the block on its way.
 */
export async function writeParquet(
  connection: DuckDBConnection,
  path: string,
  columns: readonly ColumnToWrite[],
  { start, end }: { start: number; end: number },
  setId?: string,
): Promise<string> {
  const temporary = temporaryName(path);
  const name = `rows_${temporaryName("").replace(/\W/g, "_")}`;
  let row = start;
  connection.registerTableFunction(
    duckdbApi().DuckDBTableFunction.create({
      name,
      bindFunction: (bind) => {
        for (const column of columns) bind.addResultColumn(column.name, duckdbType(column));
        bind.setCardinality(end - start, true);
      },
      initFunction: (init) => init.setMaxThreads(1),
      mainFunction: (_, chunk) => {
        const n = Math.min(duckdbBindings().vector_size(), end - row);
        chunk.rowCount = n;
        for (let k = 0; k < columns.length && n > 0; k++) fillChunk(chunk, k, columns[k]!, row, n);
        row += n;
      },
    }),
  );
  makeFolder(dirname(path));
  try {
    const metadata = setId === undefined ? "" : `, KV_METADATA {${SET_KEY}: '${setId}'}`;
    const options = `FORMAT parquet, ROW_GROUP_SIZE ${ROW_GROUP}${metadata}`;
    await connection.run(`COPY (SELECT * FROM ${name}()) TO ? (${options})`, [temporary]);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw asDuckDBWriteError(path, cause);
  }
  return temporary;
}

export function fillChunk(chunk: DuckDBDataChunk, k: number, column: ColumnToWrite, row: number, n: number): void {
  if (column.type === "text") {
    const vector = chunk.getColumnVector(k);
    for (let i = 0; i < n; i++) vector.setItem(i, column.values[row + i]!);
    vector.flush();
    return;
  }
  const values = column.type === "matrix" ? gather(column, row, n) : column.values.subarray(row, row + n);
  const stored = column.type === "stamp" ? toInt64(column.values.subarray(row, row + n)) : values;
  const duckdb = duckdbBindings();
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, k);
  const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  duckdb.copy_data_to_vector(vector, 0, plainBuffer(bytes), bytes.byteOffset, bytes.byteLength);
  if (column.type === "stamp") markNulls(vector, n, (i) => Number.isNaN(values[i]!));
  if (column.type === "label") markNulls(vector, n, (i) => values[i] === NO_LABEL);
}

function gather({ values, width, column }: ColumnToWrite & { type: "matrix" }, row: number, n: number): Float32Array {
  const gathered = new Float32Array(n);
  for (let i = 0, at = row * width + column; i < n; i++, at += width) gathered[i] = values[at]!;
  return gathered;
}

function markNulls(vector: Vector, n: number, isNull: (i: number) => boolean): void {
  const valid = new Uint8Array(Math.ceil(n / 64) * 8).fill(255);
  let nulls = 0;
  for (let i = 0; i < n; i++) {
    if (!isNull(i)) continue;
    valid[i >> 3]! &= ~(1 << (i & 7));
    nulls++;
  }
  if (nulls === 0) return;
  const duckdb = duckdbBindings();
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, valid.buffer, 0, valid.byteLength);
}

function plainBuffer(bytes: Uint8Array): ArrayBuffer {
  if (bytes.buffer instanceof ArrayBuffer) return bytes.buffer;
  throw new TypeError("columns in shared memory cannot be written");
}
