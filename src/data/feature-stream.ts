import type { DuckDBConnection } from "@duckdb/node-api";
import { PART_NAMES, type PartName, type Timestamps } from "../types/index.js";
import { type PlaceOfRow, StampColumn } from "./bar-stamps.js";
import type { Batch } from "./batch.js";
import { infiniteValue, piecesOf } from "./dataset-columns.js";
import { openDuckDB } from "./duckdb.js";
import { FeatureBlock } from "./feature-block.js";
import { checkNames } from "./feature-names.js";
import { type DatasetFiles, locateDataset, locateFile } from "./locate.js";
import { LookBack, Stretches, sliceRows } from "./look-back.js";
import { readMeta } from "./meta.js";
import { shares } from "./parts.js";
import { planRoles } from "./roles.js";
import { type ColumnRequest, countRows, countStamps, openTables, readerOf, readTable, type Table } from "./table.js";
import { addStamps, dateOrderOf, placeInTable } from "./table-stamps.js";
import { firstInfinite } from "./transpose.js";

/** One file, or a symbol of a folder and the part of it (all rows by default). */
export type FeatureSource = string | { data?: string; symbol: string; part?: PartName | "all" };

export interface FeatureBatch {
  /** First row of the batch, counted from 0 over all rows of the dataset. */
  start: number;
  /** (n), the rows' close stamps. */
  timestamps: Timestamps;
  /** (n, F) row-major, features in the order asked for. */
  X: Float32Array;
  /**
   * (n) numbers of unbroken stretches, counted on from batch to batch: of one value of the file's `piece` column, also across files; where
   * there is none, a file is a stretch.
   */
  piece: Int32Array;
  /** Rows before those that were asked for, which their windows look back at. */
  isContext: boolean;
  /** Rows of all batches together; null for CSV files, which would have to be read through for it. */
  total: number | null;
}

export interface FeatureStreamOptions {
  /** Rows before the first one of a `part` that are given as context, where there are so many; 0 by default. */
  lookBack?: number;
}

/**
 * Streams the features that a model wants, in its order, matched by name. Labels are not read, so predicting on the test
 * part does not open it. Throws `bundle.features_differ` for missing and extra features, `data.*` for bad rows.
 */
export async function* featureStream(
  source: FeatureSource,
  names: readonly string[],
  { lookBack = 0 }: FeatureStreamOptions = {},
): AsyncGenerator<FeatureBatch, void, undefined> {
  const files = typeof source === "string" ? locateFile(source) : locateDataset(source.symbol, source.data);
  const part = typeof source === "string" ? "all" : (source.part ?? "all");
  const { connection, close } = await openDuckDB();
  try {
    const tables = await openTables(connection, files.files);
    const isWhole = files.layout === "splits" || part === "all";
    const chosen = tables.filter((_, k) => files.layout === "series" || part === "all" || part === PART_NAMES[k]);
    const cut = isWhole ? null : await cutOf(connection, files, chosen[0]!, part);
    const total = await countWanted(connection, chosen, cut);
    const starts = [0];
    for (const table of tables.slice(0, -1)) starts.push(starts.at(-1)! + (await countRows(connection, table)));
    const firstRow = starts[tables.indexOf(chosen[0]!)]!;
    const tail = new LookBack(lookBack);
    const pieces = new Stretches();
    for (const [k, table] of tables.entries()) {
      const start = starts[k]!;
      const isWanted = chosen.includes(table);
      // Files of one piece each are not looked back at across their border, and those that end too early not at all.
      const isContext = start < firstRow && (starts[k + 1] ?? 0) > firstRow - lookBack && hasPieces(table);
      if (isWanted || isContext)
        yield* streamTable(connection, { table, start, names, cut, total, isWanted, tail, pieces });
    }
  } finally {
    close();
  }
}

/** Which rows of a series are wanted: from `from` to `to` (exclusive), counted or by their stamps. */
interface Cut {
  by: "row" | "stamp";
  from: number;
  to: number;
}

async function cutOf(connection: DuckDBConnection, files: DatasetFiles, table: Table, part: PartName): Promise<Cut> {
  const borders = files.meta === null ? null : readMeta(files.meta).borders;
  if (borders !== null) {
    const from = { train: Number.NEGATIVE_INFINITY, val: borders.val, test: borders.test }[part];
    const to = { train: borders.val, val: borders.test, test: Number.POSITIVE_INFINITY }[part];
    return { by: "stamp", from, to };
  }
  const { start, end } = shares(await countRows(connection, table))[part];
  return { by: "row", from: start, to: end };
}

async function countWanted(
  connection: DuckDBConnection,
  tables: readonly Table[],
  cut: Cut | null,
): Promise<number | null> {
  if (cut?.by === "row") return cut.to - cut.from;
  let total = 0;
  for (const table of tables) {
    const { timestamp } = planRoles(table.columns, { path: table.file.path, labelsRequired: false });
    const rows = cut === null ? table.rows : await countStamps(connection, table, timestamp, cut);
    if (rows === null) return null;
    total += rows;
  }
  return total;
}

interface Stream {
  table: Table;
  /** First row of the table among all rows. */
  start: number;
  names: readonly string[];
  cut: Cut | null;
  total: number | null;
  /** False for a file that is only looked back at. */
  isWanted: boolean;
  tail: LookBack;
  pieces: Stretches;
}

async function* streamTable(
  connection: DuckDBConnection,
  { table, start, names, cut, total, isWanted, tail, pieces }: Stream,
): AsyncGenerator<FeatureBatch, void, undefined> {
  const wanted = (row: number, stamp: number): boolean => {
    if (!isWanted) return false;
    const at = cut?.by === "row" ? row : stamp;
    return cut === null || (at >= cut.from && at < cut.to);
  };
  const roles = planRoles(table.columns, { path: table.file.path, labelsRequired: false });
  checkNames(roles.features, names, table.file.path);
  const stamp: ColumnRequest = { name: roles.timestamp, as: "stamp" };
  const pieceRequests = roles.piece === null ? [] : [{ name: roles.piece, as: "number" as const }];
  const features = new FeatureBlock(table, names, 1 + pieceRequests.length);
  const requests = [stamp, ...pieceRequests, ...features.requests];
  if (roles.piece === null) pieces.break();
  const place = placeInTable(table, 0);
  const dateOrder = await dateOrderOf(connection, table, roles.timestamp);
  let before = Number.NEGATIVE_INFINITY;
  for await (const batch of readTable(connection, table, requests)) {
    const stamps = new StampColumn(roles.timestamp, (row, column, value) => place(row + batch.start, column, value), {
      dateOrder,
    });
    addStamps(stamps, batch, 0, table, roles.timestamp);
    const timestamps = stamps.toUtc("UTC", before);
    before = timestamps.at(-1)!;
    const X = features.read(batch).slice();
    const bad = firstInfinite(X);
    if (bad !== null) {
      const [row, feature] = [Math.floor(bad / names.length), bad % names.length];
      throw infiniteValue(names[feature]!, features.valueAt(batch, row, feature), batch.start + row, place);
    }
    const piece = pieces.number(
      pieceRequests.length === 0 ? new Int32Array(batch.rows) : pieceOf(table, pieceRequests[0]!, batch, place),
    );
    // A part is one stretch of rows, so what is wanted of a batch is one too.
    let from = 0;
    let to = batch.rows;
    while (from < to && !wanted(batch.start + from, timestamps[from]!)) from++;
    while (to > from && !wanted(batch.start + to - 1, timestamps[to - 1]!)) to--;
    const rows = { start: start + batch.start, timestamps, X, piece, total };
    tail.add(sliceRows(rows, 0, from === to ? batch.rows : from));
    if (from === to) continue;
    const context = tail.take();
    if (context !== null) yield { ...context, isContext: true };
    yield { ...sliceRows(rows, from, to), isContext: false };
  }
}

const hasPieces = (table: Table): boolean =>
  planRoles(table.columns, { path: table.file.path, labelsRequired: false }).piece !== null;

/** The values of the `piece` column, checked but not numbered anew. */
function pieceOf(table: Table, request: ColumnRequest, batch: Batch, place: PlaceOfRow): Int32Array {
  const values = readerOf(table, request) === "float32" ? Float64Array.from(batch.float32(1)) : batch.float64(1);
  piecesOf(request.name, values, (row, column, value) => place(row + batch.start, column, value));
  return Int32Array.from(values);
}
