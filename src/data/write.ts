import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { checkId, pathUnder, publishFile, writeFileAtomic } from "../files/index.js";
import {
  type HorizonLabels,
  PART_NAMES,
  type PartName,
  type PipelineSpec,
  type RowRange,
  type Timestamps,
} from "../types/index.js";
import { withDuckDB } from "./duckdb.js";
import { encodeMeta } from "./meta.js";
import { type ColumnToWrite, writeParquet } from "./parquet-writer.js";

/** A dataset in memory; every array has one value a row, (N). */
export interface DatasetToWrite {
  symbol: string;
  /** Close stamps, strictly increasing. */
  timestamps: Timestamps;
  featureNames: readonly string[];
  /** (N, F) row-major. */
  X: Float32Array;
  horizons: readonly HorizonLabels[];
  /** Unadjusted, in currency; NaN where unknown. */
  entryPrice: Float64Array;
  piece: Int32Array;
  /** Written beside the features, never read as such. */
  bars?: {
    open: Float64Array;
    high: Float64Array;
    low: Float64Array;
    close: Float64Array;
    volume: Float64Array;
    contract?: readonly string[];
  };
  /** Adjoining, together all rows. */
  parts: Record<PartName, RowRange>;
  pipeline: PipelineSpec;
}

export interface WriteDatasetOptions {
  /** Root folder: `{out}/datasets` and `{out}/splits/scaled` are made in it. */
  out: string;
  layouts: readonly ("series" | "splits")[];
}

/**
 * Writes one symbol in the layouts asked for and returns the paths written. A file appears under its final name only
 * when all of them are complete, the meta file last; `io.write_failed` leaves nothing behind. Split files of different calls, which a
 * kill between two renames leaves, are refused when they are read.
 */
export async function writeDataset(dataset: DatasetToWrite, options: WriteDatasetOptions): Promise<string[]> {
  const symbol = checkId(dataset.symbol, "symbol");
  const columns = columnsOf(dataset);
  const setId = setIdOf(columns, encodeMeta(symbol, bordersOf(dataset), dataset.pipeline));
  const files = options.layouts.flatMap((layout) => filesOf(dataset, layout, options.out));
  const metas = options.layouts.map((layout) => pathUnder(options.out, ...FOLDERS[layout], `${symbol}.meta.json`));
  const finished: { temporary: string; path: string }[] = [];
  try {
    await withDuckDB(async (connection) => {
      for (const { path, rows } of files) {
        finished.push({ path, temporary: await writeParquet(connection, path, columns, rows, setId) });
      }
    });
    // Borders of an earlier dataset must not stand beside the new rows, not even for a moment.
    for (const meta of metas) rmSync(meta, { force: true });
    for (const { temporary, path } of finished) publishFile(temporary, path);
  } catch (cause) {
    for (const { temporary } of finished) rmSync(temporary, { force: true });
    throw cause;
  }
  for (const meta of metas) writeFileAtomic(meta, encodeMeta(symbol, bordersOf(dataset), dataset.pipeline));
  return [...finished.map(({ path }) => path), ...metas];
}

function bordersOf({ timestamps, parts }: DatasetToWrite): { val: number; test: number } {
  return { val: timestamps[parts.val.start]!, test: timestamps[parts.test.start]! };
}

/**
 * Of what is in the files, so that the same dataset gives the same bytes. A kill between two renames leaves files of different sets,
 * which could not be told from a whole dataset otherwise.
 */
function setIdOf(columns: readonly ColumnToWrite[], meta: string): string {
  const hash = createHash("sha256").update(meta);
  const seen = new Set<unknown>();
  for (const { name, values } of columns) {
    hash.update(`${name}\0`);
    // The features share one matrix.
    if (seen.has(values)) continue;
    seen.add(values);
    hash.update(ArrayBuffer.isView(values) ? values : values.join("\0"));
  }
  return hash.digest("hex");
}

const FOLDERS = { series: ["datasets"], splits: ["splits", "scaled"] } as const;

function filesOf(
  { symbol, parts, timestamps }: DatasetToWrite,
  layout: "series" | "splits",
  out: string,
): { path: string; rows: RowRange }[] {
  if (layout === "series") {
    return [
      { path: pathUnder(out, ...FOLDERS.series, `${symbol}.parquet`), rows: { start: 0, end: timestamps.length } },
    ];
  }
  return PART_NAMES.map((part) => ({
    path: pathUnder(out, ...FOLDERS.splits, `${symbol}_${part}.parquet`),
    rows: parts[part],
  }));
}

function columnsOf({
  timestamps,
  bars,
  entryPrice,
  piece,
  horizons,
  featureNames,
  X,
}: DatasetToWrite): ColumnToWrite[] {
  const width = featureNames.length;
  const prices = (["open", "high", "low", "close", "volume"] as const).flatMap((name): ColumnToWrite[] =>
    bars === undefined ? [] : [{ name, type: "float64", values: bars[name] }],
  );
  return [
    { name: "timestamp", type: "stamp", values: timestamps },
    ...prices,
    ...(bars?.contract === undefined ? [] : [{ name: "contract", type: "text" as const, values: bars.contract }]),
    { name: "entry_price", type: "float64", values: entryPrice },
    { name: "piece", type: "int32", values: piece },
    ...horizons.flatMap(({ horizon, y, end, w, r }): ColumnToWrite[] => [
      { name: `label_h${horizon}`, type: "label", values: y },
      { name: `label_end_h${horizon}`, type: "stamp", values: end },
      { name: `sample_weight_h${horizon}`, type: "float32", values: w },
      ...(r === undefined ? [] : [{ name: `return_h${horizon}`, type: "float32" as const, values: r }]),
    ]),
    ...featureNames.map((name, column): ColumnToWrite => ({ name, type: "matrix", values: X, width, column })),
  ];
}
