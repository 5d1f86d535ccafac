import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { encodeNpy } from "../files/index.js";
import type { DatasetManifest } from "../types/index.js";
import { assembleDataset, type ConvertedDataset, type SaveArray } from "./assemble.js";
import { withDuckDB } from "./duckdb.js";
import { dataError } from "./failure.js";
import type { DatasetFiles } from "./locate.js";
import { readMeta } from "./meta.js";
import { refuseContradiction } from "./meta-agrees.js";
import { readDataset } from "./raw-dataset.js";
import { planRoles } from "./roles.js";
import { openTables, type Table } from "./table.js";

export interface ConvertOptions {
  /** Existing, empty folder. */
  into: string;
  /** The horizon that a plain `label` column takes. */
  horizon?: number;
  /** False for rows that are only predicted on. */
  labelsRequired: boolean;
  signal: AbortSignal;
}

/** Reads a dataset's files, applies every rule of the contract and writes the arrays of the store (not the manifest). */
export async function convertDataset(
  source: DatasetFiles,
  options: ConvertOptions,
): Promise<{ dataset: ConvertedDataset; checksums: DatasetManifest["checksums"]; plainLabel: boolean }> {
  return withDuckDB(async (connection) => {
    const tables = await openTables(connection, source.files);
    refuseDifferingColumns(tables);
    const horizon = options.horizon === undefined ? {} : { horizon: options.horizon };
    // Every file's column types are checked; the first file's order and names are the dataset's.
    const [roles] = tables.map(({ columns, file }) =>
      planRoles(columns, { path: file.path, labelsRequired: options.labelsRequired, ...horizon }),
    );
    if (roles === undefined) throw new Error("a dataset has at least one file");
    const meta = source.meta === null ? null : readMeta(source.meta);
    const raw = await readDataset(connection, tables, roles, join(options.into, "X.npy"), options.signal);
    const checksums = [{ array: "X", crc32: raw.checksum }];
    const save: SaveArray = (name, dtype, data) => {
      writeFileSync(join(options.into, `${name}.npy`), encodeNpy(dtype, [data.length], data));
      checksums.push({ array: name, crc32: crc32(data) });
    };
    try {
      if (meta !== null && source.meta !== null) {
        const { symbol } = source;
        refuseContradiction(meta, { symbol, features: roles.features, stamps: raw.stamps }, source.meta);
      }
      return { dataset: assembleDataset(raw, roles, source, meta, save), checksums, plainLabel: roles.plainLabel };
    } finally {
      await raw.written;
    }
  });
}

function refuseDifferingColumns(tables: readonly Table[]): void {
  const [train, ...others] = tables;
  const expected = new Set(train!.columns.map((column) => column.name));
  for (const other of others) {
    const names = new Set(other.columns.map((column) => column.name));
    const missing = [...expected].filter((name) => !names.has(name));
    const extra = [...names].filter((name) => !expected.has(name));
    if (missing.length + extra.length === 0) continue;
    const list = (what: string, which: string[]): string =>
      which.length === 0 ? "" : ` ${what}: ${which.slice(0, 10).join(", ")}${which.length > 10 ? " …" : ""}.`;
    throw dataError(
      "data.columns_differ",
      { path: other.file.path, column: [...missing, ...extra][0]! },
      `its columns are not those of ${train!.file.path}.${list("Missing", missing)}${list("Extra", extra)}`,
      "Write the three split files with the same columns; their order may differ.",
    );
  }
}
