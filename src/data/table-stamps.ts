import type { DuckDBConnection } from "@duckdb/node-api";
import type { DateOrder } from "../types/index.js";
import { type PlaceOfRow, StampColumn } from "./bar-stamps.js";
import type { Batch } from "./batch.js";
import { lineOfRow } from "./csv-lines.js";
import { readerOf, readTable, type Table } from "./table.js";

/** Rows count from 0 over all files of a dataset; `start` is the first row of this one. */
export function placeInTable(table: Table, start: number): PlaceOfRow {
  return (row, column, value) => {
    const { path, format } = table.file;
    const place = { path, row: row - start + 1, column, value };
    return format === "csv" ? { ...place, line: lineOfRow(path, row - start) } : place;
  };
}

/** Adds request `k`, the stamp column `name`, of a batch. `zoneless` says what stamps without a zone are. */
export function addStamps(
  stamps: StampColumn,
  batch: Batch,
  k: number,
  table: Table,
  name: string,
  zoneless: "utc" | "local" = "utc",
): void {
  const reader = readerOf(table, { name, as: "stamp" });
  if (reader === "text") {
    stamps.addTexts(batch.text(k), null);
    return;
  }
  const kind = table.columns.find((column) => column.name === name)?.kind;
  const values = reader === "int64" ? batch.int64(k) : batch.float64(k);
  if (kind === "time" || kind === "time_tz") stamps.addMicros(values, kind === "time" ? zoneless : "utc");
  else stamps.addNumbers(values);
}

/**
 * What dates such as 03/04/2024 mean in a file that is about to be streamed: the whole column says, so it is read through once
 * more where the first rows have such dates.
 *
 * @returns null where they have none
 */
export async function dateOrderOf(connection: DuckDBConnection, table: Table, name: string): Promise<DateOrder | null> {
  if (readerOf(table, { name, as: "stamp" }) !== "text") return null;
  const stamps = new StampColumn(name, placeInTable(table, 0));
  for await (const batch of readTable(connection, table, [{ name, as: "stamp" }])) {
    addStamps(stamps, batch, 0, table, name);
    if (!stamps.slashed) return null;
  }
  return stamps.dateOrder()?.order ?? null;
}
