import type { DuckDBConnection } from "@duckdb/node-api";
import { FoldwiseError } from "../types/index.js";
import { escapeGlob } from "./duckdb.js";
import { dataError } from "./failure.js";
import type { ColumnKind, TableColumn } from "./table.js";

/** Key of the footer under which `writeDataset` says which files it wrote together. */
export const SET_KEY = "foldwise_set";

/** Column names and types of a Parquet file, the row count of its footer, and the set of files that it was written in, if any. */
export async function parquetColumns(
  connection: DuckDBConnection,
  path: string,
): Promise<{ columns: TableColumn[]; rows: number; setId: string | null }> {
  const name = [escapeGlob(path)];
  try {
    // DESCRIBE renames a column that stands twice, so the names come from the schema itself.
    const schema = await connection.runAndReadAll("SELECT name, num_children FROM parquet_schema(?)", name);
    refuseDuplicates(path, topLevel(schema.getRows().map(([column, n]) => [String(column), Number(n ?? 0)])));
    const footer = await connection.runAndReadAll("SELECT num_rows FROM parquet_file_metadata(?)", name);
    const rows = Number(footer.getRows()[0]?.[0] ?? 0);
    const described = await connection.runAndReadAll("DESCRIBE SELECT * FROM read_parquet(?)", name);
    const columns = described.getRows().map(([column, type]): TableColumn => {
      return { name: String(column), kind: kindOf(String(type)), type: String(type) };
    });
    const set = await connection.runAndReadAll(
      `SELECT decode(value) FROM parquet_kv_metadata(?) WHERE key = '${SET_KEY}'::BLOB`,
      name,
    );
    const setId = set.getRows()[0]?.[0];
    return { columns, rows, setId: typeof setId === "string" ? setId : null };
  } catch (cause) {
    if (cause instanceof FoldwiseError) throw cause;
    const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    throw dataError(
      "data.truncated_parquet",
      { path },
      `this Parquet file is cut short or damaged: ${why}`,
      "Copy or export the file again.",
      cause,
    );
  }
}

/** The root's children, from the depth-first list that Parquet stores. */
function topLevel(elements: [name: string, children: number][]): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < elements[at]![1]; child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < elements.length; at = skip(at)) names.push(elements[at]![0]);
  return names;
}

function refuseDuplicates(path: string, names: string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    // DuckDB, like SQL, does not tell names apart that differ in case only.
    if (seen.has(name.toLowerCase()))
      throw dataError(
        "data.duplicate_column",
        { path, column: name },
        "this column stands twice.",
        "Remove one of them.",
      );
    seen.add(name.toLowerCase());
  }
}

function kindOf(type: string): ColumnKind {
  if (type === "FLOAT") return "float";
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)) return "integer";
  if (/^(DOUBLE|BOOLEAN|U?HUGEINT|DECIMAL.*)$/.test(type)) return "number";
  if (/^(DATE|TIMESTAMP(_NS|_MS|_S)?)$/.test(type)) return "time";
  if (type === "TIMESTAMP WITH TIME ZONE") return "time_tz";
  return type === "VARCHAR" || type.startsWith("ENUM") ? "text" : "other";
}
