import type { DuckDBConnection } from "@duckdb/node-api";
import { FoldwiseError, type RowRange, type Timestamps } from "../types/index.js";
import { type PlaceOfRow, StampColumn } from "./bar-stamps.js";
import { ColumnCollector } from "./column-collector.js";
import { infiniteValue } from "./dataset-columns.js";
import { dataError } from "./failure.js";
import { FeatureBlock } from "./feature-block.js";
import { FeatureWriter } from "./feature-writer.js";
import type { DatasetRoles } from "./roles.js";
import { type ColumnRequest, readerOf, readTable, type Table } from "./table.js";
import { addStamps, placeInTable } from "./table-stamps.js";

/** A dataset's files as they were read: features already written, the other columns whole and not judged yet. */
export interface RawDataset {
  tables: readonly Table[];
  /** Rows of each file among all rows. */
  ranges: readonly RowRange[];
  /** Stamps of each file, strictly increasing within it. */
  stamps: readonly Timestamps[];
  /** Numeric columns by the file's name. */
  column: (name: string) => Float64Array;
  /** `label_end` columns by the file's name, NaN where empty. */
  endColumn: (name: string) => Timestamps;
  /** Where a row of all rows stands in its file. */
  place: PlaceOfRow;
  /** Indices of features with one value in all rows. */
  constants: readonly number[];
  /** CRC-32 of the features' values. */
  checksum: number;
  /** Resolves when the features are on disk. */
  written: Promise<void>;
}

/** Reads all files in order and writes the features to `featuresPath`. */
export async function readDataset(
  connection: DuckDBConnection,
  tables: readonly Table[],
  roles: DatasetRoles,
  featuresPath: string,
  signal: AbortSignal,
): Promise<RawDataset> {
  const reader = new DatasetReader(connection, roles, new FeatureWriter(featuresPath, roles.features.length), signal);
  return reader.read(tables);
}

/** The numeric columns besides features and stamps, as roles name them. */
function columnsOf(roles: DatasetRoles): string[] {
  const ofHorizons = [roles.label, roles.weight, roles.returns].flatMap((columns) => [...columns.values()]);
  return [...new Set([...ofHorizons, ...[roles.entryPrice, roles.piece].filter((name) => name !== null)])];
}

class DatasetReader {
  private readonly columns = new Map<string, ColumnCollector>();
  private readonly ends = new Map<string, ColumnCollector>();
  private readonly ranges: RowRange[] = [];
  private readonly stamps: Timestamps[] = [];

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly roles: DatasetRoles,
    private readonly features: FeatureWriter,
    private readonly signal: AbortSignal,
  ) {
    for (const name of columnsOf(roles)) this.columns.set(name, new ColumnCollector());
    for (const name of roles.labelEnd.values()) this.ends.set(name, new ColumnCollector());
  }

  async read(tables: readonly Table[]): Promise<RawDataset> {
    try {
      for (const table of tables) await this.readFile(table);
    } catch (cause) {
      this.features.abandon();
      throw cause;
    }
    const written = this.features.finish();
    written.catch(() => {}); // Awaited by the caller when the other columns are done.
    const { ranges, stamps } = this;
    return {
      tables,
      ranges,
      stamps,
      column: (name) => this.columns.get(name)!.whole(),
      endColumn: (name) => this.ends.get(name)!.whole(),
      place: (row, column, value) => {
        const k = ranges.findIndex((range) => row < range.end);
        return placeInTable(tables[k]!, ranges[k]!.start)(row, column, value);
      },
      constants: this.features.constants(),
      checksum: this.features.checksum(),
      written,
    };
  }

  private async readFile(table: Table): Promise<void> {
    const { roles } = this;
    const requests: ColumnRequest[] = [
      { name: roles.timestamp, as: "stamp" },
      ...[...this.ends.keys()].map((name): ColumnRequest => ({ name, as: "stamp" })),
      ...[...this.columns.keys()].map((name): ColumnRequest => ({ name, as: "number" })),
    ];
    const features = new FeatureBlock(table, roles.features, requests.length);
    const readers = requests.map((request) => readerOf(table, request));
    const start = this.ranges.at(-1)?.end ?? 0;
    const place = placeInTable(table, start);
    const placeHere: PlaceOfRow = (row, column, value) => place(row + start, column, value);
    const stamps = new StampColumn(roles.timestamp, placeHere);
    const ends = [...this.ends].map(([name, into]) => {
      return { name, into, stamps: new StampColumn(name, placeHere, { mayMiss: true }) };
    });
    let rows = 0;
    for await (const batch of readTable(this.connection, table, [...requests, ...features.requests])) {
      if (this.signal.aborted) throw new FoldwiseError("interrupted.aborted", "Interrupted.");
      addStamps(stamps, batch, 0, table, roles.timestamp);
      let k = 1;
      for (const end of ends) addStamps(end.stamps, batch, k++, table, end.name);
      for (const column of this.columns.values()) {
        column.add(readers[k] === "float32" ? batch.float32(k) : batch.float64(k));
        k++;
      }
      const bad = this.features.add(features.read(batch));
      if (bad !== null) {
        const value = features.valueAt(batch, bad.row - start - batch.start, bad.feature);
        throw infiniteValue(roles.features[bad.feature]!, value, bad.row, place);
      }
      rows += batch.rows;
    }
    if (rows === 0)
      throw dataError(
        "data.no_rows",
        { path: table.file.path },
        "there are columns but no row.",
        "Give a file with rows.",
      );
    this.ranges.push({ start, end: start + rows });
    this.stamps.push(stamps.toUtc("UTC"));
    const order = stamps.dateOrder()?.order;
    for (const end of ends) {
      if (order !== undefined) end.stamps.readAs(order);
      end.into.add(end.stamps.values());
    }
  }
}
