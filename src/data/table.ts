import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import { type ErrorCode, FoldwiseError } from "../types/index.js";
import { Batch } from "./batch.js";
import { type CsvLayout, readCsvLayout } from "./csv-layout.js";
import { escapeGlob, quoteName } from "./duckdb.js";
import { dataError } from "./failure.js";
import { parquetColumns } from "./parquet-footer.js";
import { inspectSource, type SourceFile } from "./source-file.js";

/** What a column of the file holds; `unknown`: CSV text that nobody has read yet. */
export type ColumnKind = "float" | "number" | "integer" | "time" | "time_tz" | "text" | "other" | "unknown";

export interface TableColumn {
  name: string;
  kind: ColumnKind;
  /** As the file calls it. */
  type: string;
}

/** A CSV or Parquet file whose columns are known and whose rows are not read yet. */
export interface Table {
  file: SourceFile;
  columns: TableColumn[];
  /** From the Parquet footer; null for CSV. */
  rows: number | null;
  /** The same in all files that `writeDataset` wrote together; null for files of the user's own. */
  setId: string | null;
  csv: CsvLayout | null;
}

/** How a column is wanted: `stamp` is µs for Parquet times, raw numbers or text otherwise. */
export interface ColumnRequest {
  name: string;
  as: "number" | "stamp" | "text";
}

/** Float32 columns wanted as one row-major matrix: `Batch.packed`. */
export interface PackedRequest {
  pack: readonly string[];
}

/** Whether these columns can be packed: all are stored as float32, so that nothing is rounded on the way. */
export function canPack(table: Table, names: readonly string[]): boolean {
  return names.every((name) => columnOf(table, name).kind === "float");
}

/** What `Batch` method reads the column. */
export type ColumnReader = "float32" | "float64" | "int64" | "text";

export async function openTable(connection: DuckDBConnection, path: string): Promise<Table> {
  const file = inspectSource(path);
  if (file.format === "csv") {
    const csv = readCsvLayout(file.path);
    const columns = csv.names.map((name): TableColumn => ({ name, kind: "unknown", type: "CSV text" }));
    return { file, columns, rows: null, setId: null, csv };
  }
  return { file, csv: null, ...(await parquetColumns(connection, file.path)) };
}

/** Opens the files of one dataset; `data.mixed_split` where some were written together and others were not. */
export async function openTables(connection: DuckDBConnection, paths: readonly string[]): Promise<Table[]> {
  const tables: Table[] = [];
  for (const path of paths) tables.push(await openTable(connection, path));
  const other = tables.find(({ setId }) => setId !== tables[0]?.setId);
  if (other === undefined) return tables;
  throw dataError(
    "data.mixed_split",
    { path: other.file.path },
    `this file and ${tables[0]?.file.path} come from different calls of \`foldwise prepare\`, one of which did not finish.`,
    "Run `foldwise prepare` again; it replaces all three files.",
  );
}

/** Which reader fits a request; the same for every batch. */
export function readerOf(table: Table, request: ColumnRequest): ColumnReader {
  const { kind } = columnOf(table, request.name);
  if (request.as === "text") return "text";
  if (request.as === "number") return kind === "float" ? "float32" : "float64";
  if (kind === "time" || kind === "time_tz" || kind === "integer") return "int64";
  return kind === "float" || kind === "number" ? "float64" : "text";
}

/**
 * Streams the requested columns in file order. Broken lines, unparsable numbers and damage throw, named by line and
 * column; a Parquet file that yields another number of rows than its footer announces throws too.
 */
export async function* readTable(
  connection: DuckDBConnection,
  table: Table,
  requests: readonly (ColumnRequest | PackedRequest)[],
): AsyncGenerator<Batch> {
  let done = 0;
  let next: Promise<DuckDBDataChunk | null> = Promise.resolve(null);
  try {
    const result = await connection.stream(selection(table, requests), [escapeGlob(table.file.path)]);
    // The next chunk is decoded on DuckDB's threads while the caller works on this one.
    next = result.fetchChunk();
    for (;;) {
      const chunk = await next;
      if (chunk === null || chunk.rowCount === 0) break;
      next = result.fetchChunk();
      next.catch(() => {}); // Awaited in the next round.
      yield new Batch(chunk, done);
      done += chunk.rowCount;
    }
  } catch (cause) {
    throw readError(table, cause);
  } finally {
    // A caller that stops early must not close the connection under a chunk that is still being decoded.
    await next.catch(() => {});
  }
  if (table.rows !== null && done !== table.rows) {
    throw dataError(
      "data.damaged_parquet",
      { path: table.file.path },
      `the footer announces ${table.rows} rows but ${done} could be read.`,
      "Export the file again.",
    );
  }
}

/** From the footer; a CSV file is read through, so that broken lines throw here too. */
export async function countRows(connection: DuckDBConnection, table: Table): Promise<number> {
  if (table.csv === null) return table.rows ?? 0;
  let rows = 0;
  for await (const batch of readTable(connection, table, [{ name: table.columns[0]!.name, as: "text" }]))
    rows += batch.rows;
  return rows;
}

/** Rows with a time in [from, to), µs; null where the file does not store times as such. */
export async function countStamps(
  connection: DuckDBConnection,
  table: Table,
  timestamp: string,
  { from, to }: { from: number; to: number },
): Promise<number | null> {
  const { kind } = columnOf(table, timestamp);
  if (table.csv !== null || (kind !== "time" && kind !== "time_tz")) return null;
  const stamps = selection(table, [{ name: timestamp, as: "stamp" }]);
  const count = await connection.runAndReadAll(
    `SELECT count(*) FROM (${stamps}) AS all_rows(stamp) WHERE stamp >= ?::DOUBLE AND stamp < ?::DOUBLE`,
    [escapeGlob(table.file.path), from, to],
  );
  return Number(count.getRows()[0]?.[0] ?? 0);
}

function columnOf(table: Table, name: string): TableColumn {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`${table.file.path} has no column ${name}`);
  return column;
}

function selection(table: Table, requests: readonly (ColumnRequest | PackedRequest)[]): string {
  const items = requests.map((request) => {
    if ("pack" in request) return `list_value(${request.pack.map(quoteName).join(", ")})`;
    const column = columnOf(table, request.name);
    const name = table.csv === null ? quoteName(column.name) : `c${table.columns.indexOf(column)}`;
    if (column.kind === "time") return `epoch_us(CAST(${name} AS TIMESTAMP))`;
    if (column.kind === "time_tz") return `epoch_us(${name})`;
    const type = { float32: "FLOAT", float64: "DOUBLE", int64: "BIGINT", text: "VARCHAR" }[readerOf(table, request)];
    return column.kind === "float" && type === "FLOAT" ? name : `CAST(${name} AS ${type})`;
  });
  const from = table.csv === null ? "read_parquet(?)" : csvScan(table.csv, table, requests);
  return `SELECT ${items.join(", ")} FROM ${from}`;
}

function csvScan(csv: CsvLayout, table: Table, requests: readonly (ColumnRequest | PackedRequest)[]): string {
  const numbers = new Set(
    requests.flatMap((request) => ("as" in request && request.as === "number" ? request.name : [])),
  );
  const columns = table.columns.map((column, i) => `'c${i}': '${numbers.has(column.name) ? "DOUBLE" : "VARCHAR"}'`);
  return (
    `read_csv(?, auto_detect=false, header=true, delim='${csv.delimiter}', quote='"', escape='"', ` +
    `null_padding=false, nullstr=['', 'NA', 'N/A', 'null', 'NULL', 'None', 'NaT'], columns={${columns.join(", ")}})`
  );
}

/** Says in our words what DuckDB found; its own message goes on for a page about options that nobody has here. */
function readError(table: Table, cause: unknown): unknown {
  if (cause instanceof FoldwiseError || !(cause instanceof Error)) return cause;
  const { path } = table.file;
  if (table.csv === null) {
    const remedy = "Copy or export the file again.";
    return dataError("data.damaged_parquet", { path }, `cannot be decoded: ${firstLineOf(cause)}`, remedy, cause);
  }
  const text = cause.message;
  const line = Number(/CSV Error on Line: (\d+)/.exec(text)?.[1] ?? Number.NaN);
  const place = Number.isNaN(line) ? { path } : { path, line };
  const conversion = /Error when converting column "c(\d+)"\. Could not convert string "([\s\S]*?)" to '/.exec(text);
  if (conversion !== null) {
    const column = table.columns[Number(conversion[1])]?.name ?? "";
    const value = conversion[2] ?? "";
    return dataError(
      "data.not_a_number",
      { ...place, column, value },
      `${JSON.stringify(value)} is not a number.`,
      "Write plain numbers with a decimal point, or remove the column.",
      cause,
    );
  }
  const [code, what] = csvFault(text);
  return dataError(code, place, what, "Mend or remove this line, or export the file again.", cause);
}

function csvFault(text: string): [ErrorCode, string] {
  const count = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(text);
  if (count !== null) return ["data.broken_line", `the header has ${count[1]} columns, this line ${count[2]}.`];
  if (text.includes("unterminated quote")) return ["data.broken_line", "a quote is opened and never closed."];
  if (text.includes("Maximum line size"))
    return ["data.broken_line", "this line is far too long for a row of numbers."];
  if (text.includes("Invalid unicode")) return ["data.not_utf8", "this line is not UTF-8 text."];
  return ["data.broken_line", `cannot be parsed as CSV: ${text.split("\n", 1)[0]}`];
}

function firstLineOf(error: Error): string {
  return error.message.split("\n", 1)[0] ?? "";
}
