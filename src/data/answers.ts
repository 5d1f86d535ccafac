import { FoldwiseError } from "../types/index.js";
import { withDuckDB } from "./duckdb.js";
import { type ColumnRequest, openTable, readTable } from "./table.js";

/** Labelled rows of a predictions file, in the file's order; a row stands once for each fit that answered it. */
export interface StoredAnswers {
  /** (N) microseconds. */
  timestamps: Float64Array;
  labelEnds: Float64Array;
  /** (N) −1, 0 or 1. */
  labels: Int8Array;
  /** (N, 3), columns −1, 0, 1. */
  p: Float32Array;
}

const COLUMNS: readonly ColumnRequest[] = [
  { name: "part", as: "text" },
  { name: "timestamp", as: "stamp" },
  { name: "label_end", as: "stamp" },
  { name: "label", as: "number" },
  ...["p_short", "p_neutral", "p_long"].map((name): ColumnRequest => ({ name, as: "number" })),
];

/**
 * Reads one part of what `writePredictions` wrote: the labelled rows with their probabilities.
 *
 * @throws FoldwiseError `data.*` where the file is missing, damaged or no predictions file.
 */
export async function readAnswers(path: string, part: string): Promise<StoredAnswers> {
  const timestamps: number[] = [];
  const labelEnds: number[] = [];
  const labels: number[] = [];
  const p: number[] = [];
  await withDuckDB(async (connection) => {
    const table = await openTable(connection, path);
    const missing = COLUMNS.filter(({ name }) => !table.columns.some((column) => column.name === name));
    if (missing.length > 0) {
      throw new FoldwiseError(
        "data.no_predictions",
        `${path} is no file of predictions: it has no column ${missing[0]!.name}.`,
        { remedy: "Put the run's own file back, or fit its model again." },
      );
    }
    for await (const batch of readTable(connection, table, COLUMNS)) {
      const parts = batch.text(0);
      const [time, end, label] = [batch.int64(1), batch.int64(2), batch.float64(3)];
      const [short, neutral, long] = [batch.float32(4), batch.float32(5), batch.float32(6)];
      for (let i = 0; i < batch.rows; i++) {
        if (parts[i] !== part || Number.isNaN(label[i]!)) continue;
        timestamps.push(time[i]!);
        labelEnds.push(end[i]!);
        labels.push(label[i]!);
        p.push(short[i]!, neutral[i]!, long[i]!);
      }
    }
  });
  return {
    timestamps: Float64Array.from(timestamps),
    labelEnds: Float64Array.from(labelEnds),
    labels: Int8Array.from(labels),
    p: Float32Array.from(p),
  };
}
