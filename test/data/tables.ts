import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export type Cell = string | number | null;
/** Columns in order, every one with a value a row. */
export type TestTable = Record<string, Cell[]>;

const MINUTE = 60_000;

/** `rows` rows one minute apart from `start` (ms), two features, labels −1, 0, 1 in turn at horizons 1 and 3. */
export function smallTable(rows = 40, start = Date.UTC(2024, 0, 1)): TestTable {
  const each = <T extends Cell>(value: (row: number) => T): T[] => Array.from({ length: rows }, (_, row) => value(row));
  return {
    timestamp: each((row) => new Date(start + row * MINUTE).toISOString()),
    rsi_14: each((row) => row / 8),
    "1h_rsi_14": each((row) => (row * 7) % 5),
    label_h1: each((row) => (row % 3) - 1),
    label_h3: each((row) => 1 - (row % 3)),
  };
}

/** Writes a table as CSV, null as an empty field. */
export function writeCsv(path: string, table: TestTable): string {
  const columns = Object.values(table);
  const lines = columns[0]!.map((_, row) => columns.map((column) => column[row] ?? "").join(","));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${[Object.keys(table).join(","), ...lines].join("\n")}\n`);
  return path;
}

/** The table with column `name` replaced, or with one cell of it. */
export function withColumn(table: TestTable, name: string, values: Cell[] | ((row: number) => Cell)): TestTable {
  const rows = table.timestamp!.length;
  return { ...table, [name]: Array.isArray(values) ? values : Array.from({ length: rows }, (_, row) => values(row)) };
}

export function withCell(table: TestTable, name: string, row: number, value: Cell): TestTable {
  return { ...table, [name]: table[name]!.with(row, value) };
}
