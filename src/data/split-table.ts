import type { DuckDBConnection } from "@duckdb/node-api";
import { FoldwiseError, PART_NAMES, type Timestamps, throwIfAborted } from "../types/index.js";
import { StampColumn } from "./bar-stamps.js";
import { ColumnCollector } from "./column-collector.js";
import * as rules from "./dataset-columns.js";
import { withDuckDB } from "./duckdb.js";
import { dataError } from "./failure.js";
import { FeatureBlock } from "./feature-block.js";
import type { DatasetFiles } from "./locate.js";
import { type DatasetRoles, planRoles } from "./roles.js";
import { type ColumnRequest, openTables, readTable, type Table } from "./table.js";
import { addStamps, placeInTable } from "./table-stamps.js";

/** A dataset of the user's own as it stands, in time order: what the contract refuses may be in it. All of it is in memory. */
export interface SplitTable {
  symbol: string;
  features: string[];
  horizons: number[];
  /** (N) ascending; equal ones may follow each other. */
  timestamps: Timestamps;
  /** Row-major (N, F). */
  X: Float32Array;
  /** Was each row of the files later than the one before? */
  sorted: boolean;
  piece: Int32Array;
  /** By horizon, (N) each. */
  labels: Map<number, Int8Array>;
  labelEnds: Map<number, Timestamps>;
  derivedEnds: ReadonlySet<number>;
  returns: Map<number, Float32Array>;
  /** `entry_price`, or else `close`. */
  price: { values: Float64Array; name: string } | null;
  /** (N) each: what the file, or a column of it, says of the row's use; null where it is empty. */
  uses: { name: string; words: (string | null)[] }[];
  notices: string[];
}

export interface SplitTableOptions {
  /** Columns that say what a row is used for; none: the three files of the split layout. */
  splitColumns?: readonly string[];
  /** The horizon that a plain `label` column takes. */
  horizon?: number;
  signal?: AbortSignal | undefined;
}

/** Reads a series, or three split files, without the rules of order: to find out what is wrong, not to fit on it. Throws `data.*`. */
export function readSplitTable(files: DatasetFiles, options: SplitTableOptions = {}): Promise<SplitTable> {
  return withDuckDB(async (connection) => {
    const tables = await openTables(connection, files.files);
    const split = options.splitColumns ?? [];
    for (const table of tables) for (const column of split) requireColumn(table, column);
    const [roles] = tables.map(({ columns, file }) =>
      planRoles(
        columns.filter(({ name }) => !split.includes(name)),
        {
          path: file.path,
          labelsRequired: true,
          ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
        },
      ),
    );
    if (roles === undefined) throw new Error("a dataset has at least one file");
    return new SplitReader(connection, roles, split, options.signal).read(tables, files);
  });
}

function requireColumn({ columns, file }: Table, column: string): void {
  if (columns.some(({ name }) => name === column)) return;
  const names = columns.map(({ name }) => name);
  throw dataError(
    "data.missing_column",
    { path: file.path, column },
    `there is no such column; the file has: ${names.slice(0, 20).join(", ")}.`,
    "Name the column that says train or test of each row.",
  );
}

class SplitReader {
  private readonly numbers = new Map<string, ColumnCollector>();
  private readonly ends = new Map<string, ColumnCollector>();
  private readonly stamps = new ColumnCollector();
  private readonly words: (string | null)[][];
  private readonly parts: (string | null)[] = [];
  private readonly blocks: Float32Array[] = [];

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly roles: DatasetRoles,
    private readonly split: readonly string[],
    private readonly signal: AbortSignal | undefined,
  ) {
    this.words = split.map(() => []);
  }

  async read(tables: readonly Table[], files: DatasetFiles): Promise<SplitTable> {
    const { roles } = this;
    const close = tables[0]!.columns.find(({ name }) => name.toLowerCase() === "close")?.name ?? null;
    const price = roles.entryPrice ?? close;
    const ofHorizons = [roles.label, roles.returns].flatMap((columns) => [...columns.values()]);
    const names = [...new Set([...ofHorizons, ...[price, roles.piece].filter((name) => name !== null)])];
    for (const name of names) this.numbers.set(name, new ColumnCollector());
    for (const name of roles.labelEnd.values()) this.ends.set(name, new ColumnCollector());
    for (const [k, table] of tables.entries())
      await this.readOne(table, names, files.layout === "splits" ? PART_NAMES[k]! : null);
    return this.assemble(files, price);
  }

  private async readOne(table: Table, names: readonly string[], part: string | null): Promise<void> {
    const { roles, split } = this;
    const ends = [...this.ends.keys()];
    const requests: ColumnRequest[] = [
      { name: roles.timestamp, as: "stamp" },
      ...ends.map((name): ColumnRequest => ({ name, as: "stamp" })),
      ...names.map((name): ColumnRequest => ({ name, as: "number" })),
      ...split.map((name): ColumnRequest => ({ name, as: "text" })),
    ];
    const features = new FeatureBlock(table, roles.features, requests.length);
    const place = placeInTable(table, 0);
    const stamps = new StampColumn(roles.timestamp, place);
    const endStamps = ends.map((name) => new StampColumn(name, place, { mayMiss: true }));
    const isFloat32 = new Set(table.columns.filter(({ kind }) => kind === "float").map(({ name }) => name));
    for await (const batch of readTable(this.connection, table, [...requests, ...features.requests])) {
      throwIfAborted(this.signal);
      addStamps(stamps, batch, 0, table, roles.timestamp);
      let k = 1;
      for (const [i, name] of ends.entries()) addStamps(endStamps[i]!, batch, k++, table, name);
      for (const name of names) {
        this.numbers.get(name)!.add(isFloat32.has(name) ? batch.float32(k) : batch.float64(k));
        k++;
      }
      for (const words of this.words) words.push(...batch.text(k++));
      for (let row = 0; row < batch.rows; row++) this.parts.push(part);
      this.blocks.push(features.read(batch).slice());
    }
    this.stamps.add(stamps.values());
    const order = stamps.dateOrder()?.order;
    for (const [i, name] of ends.entries()) {
      if (order !== undefined) endStamps[i]!.readAs(order);
      this.ends.get(name)!.add(endStamps[i]!.values());
    }
  }

  private assemble(files: DatasetFiles, priceColumn: string | null): SplitTable {
    const { roles } = this;
    const path = files.files[0]!;
    const unordered = this.stamps.whole();
    const n = unordered.length;
    if (n === 0) throw dataError("data.no_rows", { path }, "there are columns but no row.", "Give a file with rows.");
    const order = Int32Array.from(unordered, (_, row) => row).sort((a, b) => unordered[a]! - unordered[b]! || a - b);
    const sorted = order.every((row, i) => row === i);
    const place = (row: number, column: string, value: unknown) => ({ path, row: order[row]! + 1, column, value });
    const column = (name: string): Float64Array => pick(this.numbers.get(name)!.whole(), order);
    const timestamps = pick(unordered, order);
    const table: SplitTable = {
      symbol: files.symbol,
      features: roles.features,
      horizons: roles.horizons,
      timestamps,
      X: this.features(order),
      sorted,
      piece: roles.piece === null ? new Int32Array(n) : Int32Array.from(column(roles.piece)),
      labels: new Map(),
      labelEnds: new Map(),
      derivedEnds: new Set(roles.horizons.filter((horizon) => !roles.labelEnd.has(horizon))),
      returns: new Map([...roles.returns].map(([horizon, name]) => [horizon, Float32Array.from(column(name))])),
      price: priceColumn === null ? null : { values: column(priceColumn), name: priceColumn },
      uses:
        this.split.length > 0
          ? this.split.map((name, k) => ({ name, words: pickWords(this.words[k]!, order) }))
          : files.layout === "splits"
            ? [{ name: "split files", words: pickWords(this.parts, order) }]
            : [],
      notices: roles.notices,
    };
    for (const [horizon, name] of roles.label) {
      const labels = rules.labelsOf(name, column(name), place);
      table.labels.set(horizon, labels);
      const end = roles.labelEnd.get(horizon);
      const ends = end === undefined ? distinctRowsOn(horizon, timestamps) : pick(this.ends.get(end)!.whole(), order);
      table.labelEnds.set(horizon, whereLabelled(ends, labels, { path, column: end ?? name }));
    }
    return table;
  }

  private features(order: Int32Array): Float32Array {
    const F = this.roles.features.length;
    const X = new Float32Array(order.length * F);
    // Blocks are freed as they are copied: at no time are there two copies of all.
    const starts: number[] = [];
    let at = 0;
    for (const block of this.blocks) {
      starts.push(at);
      at += block.length / F;
    }
    const target = new Int32Array(order.length);
    for (const [i, row] of order.entries()) target[row] = i;
    for (const [b, block] of this.blocks.entries()) {
      for (let i = 0; i < block.length / F; i++) X.set(block.subarray(i * F, (i + 1) * F), target[starts[b]! + i]! * F);
    }
    this.blocks.length = 0;
    return X;
  }
}

const pick = (values: Float64Array, order: Int32Array): Float64Array => Float64Array.from(order, (row) => values[row]!);
const pickWords = (words: readonly (string | null)[], order: Int32Array): (string | null)[] =>
  Array.from(order, (row) => words[row] ?? null);

/** (N) the stamp so many different stamps on; past the last by the median step, never clipped. */
function distinctRowsOn(horizon: number, timestamps: Timestamps): Timestamps {
  const distinct = Float64Array.from(new Set(timestamps));
  const steps = distinct
    .subarray(1)
    .map((stamp, i) => stamp - distinct[i]!)
    .sort();
  const step = steps[steps.length >> 1] ?? 0;
  let at = 0;
  return timestamps.map((stamp) => {
    while (distinct[at]! < stamp) at++;
    const end = at + horizon;
    return end < distinct.length ? distinct[end]! : distinct[distinct.length - 1]! + (end - distinct.length + 1) * step;
  });
}

function whereLabelled(
  ends: Timestamps,
  labels: Int8Array,
  { path, column }: { path: string; column: string },
): Timestamps {
  return ends.map((end, row) => {
    if (labels[row]! < -1) return Number.NaN;
    if (Number.isNaN(end)) {
      throw new FoldwiseError("data.label_end_missing", `${path}: column "${column}": a labelled row has no end.`, {
        remedy:
          "Give every label the moment its outcome was known, or remove the column: ends are then taken as H rows on.",
      });
    }
    return end;
  });
}
