import { withDuckDB } from "./duckdb.js";
import { dataError } from "./failure.js";
import { openTable, readTable } from "./table.js";

/** Which rows a predictions file answers. */
export interface AnsweredRowNumbers {
  /** Row numbers in the dataset. */
  rows: Int32Array;
  parts: string[];
  /** −1 outside of cross-validation. */
  folds: Int16Array;
}

/** Reads `row`, `part` and `fold` of a predictions file; throws `data.*` where it is none. */
export function readAnsweredRows(path: string): Promise<AnsweredRowNumbers> {
  return withDuckDB(async (connection) => {
    const table = await openTable(connection, path);
    for (const column of ["row", "part", "fold"]) {
      if (table.columns.some(({ name }) => name === column)) continue;
      throw dataError("data.missing_column", { path, column }, "a predictions file has it.", "Fit the model again.");
    }
    const rows: number[] = [];
    const parts: string[] = [];
    const folds: number[] = [];
    const requests = [
      { name: "row", as: "number" },
      { name: "part", as: "text" },
      { name: "fold", as: "number" },
    ] as const;
    for await (const batch of readTable(connection, table, requests)) {
      rows.push(...batch.float64(0));
      parts.push(...batch.text(1).map((part) => part ?? ""));
      folds.push(...batch.float64(2));
    }
    return {
      rows: Int32Array.from(rows),
      parts,
      folds: Int16Array.from(folds, (fold) => (Number.isNaN(fold) ? -1 : fold)),
    };
  });
}
