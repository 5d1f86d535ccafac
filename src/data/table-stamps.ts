import type { PlaceOfRow, StampColumn } from "./bar-stamps.js";
import type { Batch } from "./batch.js";
import { lineOfRow } from "./csv-lines.js";
import { readerOf, type Table } from "./table.js";

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
