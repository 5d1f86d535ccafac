import { rmSync } from "node:fs";
import { dirname, extname } from "node:path";
import { makeFolder, publishFile, temporaryName } from "../files/index.js";
import { FoldwiseError } from "../types/index.js";
import { asDuckDBWriteError, quoteName, withDuckDB } from "./duckdb.js";
import { duckdbApi } from "./native.js";
import { type ColumnToWrite, duckdbType, fillChunk } from "./parquet-writer.js";

/** A column of a predictions file: `stamp` is µs with NaN as null, `label` int8 with `NO_LABEL` as null. */
export interface PredictionColumn {
  name: string;
  type: "stamp" | "label" | "int32" | "float32" | "float64" | "text";
}

/** Columns by name, all of the same length. */
export type PredictionBatch = Record<string, Float64Array | Float32Array | Int32Array | Int8Array | readonly string[]>;

const CHUNK = 2048;

/**
 * Writes batches as they come to one Parquet or CSV file, by the extension of `path`. Beyond DuckDB's memory limit rows
 * wait in a folder beside the file. The final name appears only when all is written; throws `io.write_failed`.
 */
export async function writePredictions(
  path: string,
  columns: readonly PredictionColumn[],
  batches: AsyncIterable<PredictionBatch> | Iterable<PredictionBatch>,
): Promise<{ rows: number }> {
  const format = formatOf(path);
  const temporary = temporaryName(path);
  const spill = `${temporary}.spill`;
  let rows = 0;
  makeFolder(dirname(path));
  try {
    await withDuckDB(
      async (connection) => {
        const types = columns.map(duckdbType);
        const declared = columns.map((column, k) => `${quoteName(column.name)} ${types[k]}`);
        await connection.run(`CREATE TABLE predictions (${declared.join(", ")})`);
        const appender = await connection.createAppender("predictions");
        for await (const batch of batches) {
          const filled = columns.map((column) => columnOf(column, batch));
          const length = filled[0]?.values.length ?? 0;
          for (let at = 0; at < length; at += CHUNK) {
            const n = Math.min(CHUNK, length - at);
            const chunk = duckdbApi().DuckDBDataChunk.create(types, n);
            for (const [k, column] of filled.entries()) fillChunk(chunk, k, column, at, n);
            appender.appendDataChunk(chunk);
          }
          rows += length;
        }
        appender.closeSync();
        const copy = `COPY (SELECT ${selected(columns, format)} FROM predictions) TO ? (${FORMATS[format]})`;
        await connection.run(copy, [temporary]);
      },
      { spill },
    );
    publishFile(temporary, path);
    return { rows };
  } catch (cause) {
    throw asDuckDBWriteError(path, cause);
  } finally {
    rmSync(temporary, { force: true });
    rmSync(spill, { recursive: true, force: true });
  }
}

const FORMATS = { parquet: "FORMAT parquet", csv: "FORMAT csv, HEADER" } as const;

function formatOf(path: string): keyof typeof FORMATS {
  const extension = extname(path).toLowerCase();
  if (extension === ".parquet" || extension === ".csv") return extension === ".csv" ? "csv" : "parquet";
  throw new FoldwiseError("usage.bad_extension", `${path}: predictions are written as Parquet or CSV.`, {
    remedy: "Let the name end in .parquet or .csv.",
  });
}

/** In CSV a stamp is ISO 8601 in UTC, with a fraction only where it has one; NaN is an empty field. */
function selected(columns: readonly PredictionColumn[], format: keyof typeof FORMATS): string {
  if (format === "parquet") return "*";
  const items = columns.map(({ name, type }) => {
    const column = quoteName(name);
    if (type === "float32" || type === "float64") return `nullif(${column}, 'nan') AS ${column}`;
    if (type !== "stamp") return column;
    const plain = `make_timestamp(epoch_us(${column}))`;
    const fraction = `CASE WHEN epoch_us(${column}) % 1000000 = 0 THEN '' ELSE strftime(${plain}, '.%f') END`;
    return `strftime(${plain}, '%Y-%m-%dT%H:%M:%S') || ${fraction} || 'Z' AS ${column}`;
  });
  return items.join(", ");
}

function columnOf(column: PredictionColumn, batch: PredictionBatch): Exclude<ColumnToWrite, { type: "matrix" }> {
  const values = batch[column.name];
  const { name, type } = column;
  if ((type === "stamp" || type === "float64") && values instanceof Float64Array) return { name, type, values };
  if (type === "float32" && values instanceof Float32Array) return { name, type, values };
  if (type === "label" && values instanceof Int8Array) return { name, type, values };
  if (type === "int32" && values instanceof Int32Array) return { name, type, values };
  if (type === "text" && Array.isArray(values)) return { name, type, values };
  throw new TypeError(`column ${name} of a batch is not ${type}`);
}
