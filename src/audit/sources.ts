import type { SplitTable } from "../data/index.js";
import type { PipelineSpec, StoredDataset } from "../types/index.js";
import type { AuditRows } from "./subject.js";

/** Rows of the dataset store, read where they lie. */
export function rowsOfStored(dataset: StoredDataset): AuditRows {
  const { manifest } = dataset;
  const price = dataset.entryPrice();
  return {
    symbol: manifest.symbol,
    rows: manifest.rows,
    features: manifest.features,
    horizons: manifest.horizons,
    timestamps: dataset.timestamps(),
    piece: dataset.piece(),
    labels: (horizon) => dataset.labels(horizon),
    labelEnds: (horizon) => dataset.labelEnds(horizon),
    ends: (horizon) => manifest.labelEnd[horizon] ?? "derived",
    returns: (horizon) => dataset.returns(horizon),
    price: price === null ? null : { values: price, name: "entry_price" },
    read: (from, to) => dataset.readRows(Int32Array.from({ length: to - from }, (_, i) => from + i)),
    pipeline: manifest.pipeline,
    parts: manifest.parts,
  };
}

/** Rows of files that need not keep the contract; `pipeline` of their meta file. */
export function rowsOfTable(table: SplitTable, pipeline: PipelineSpec | null): AuditRows {
  const F = table.features.length;
  return {
    symbol: table.symbol,
    rows: table.timestamps.length,
    features: table.features,
    horizons: table.horizons,
    timestamps: table.timestamps,
    piece: table.piece,
    labels: (horizon) => table.labels.get(horizon)!,
    labelEnds: (horizon) => table.labelEnds.get(horizon)!,
    ends: (horizon) => (table.derivedEnds.has(horizon) ? "derived" : "given"),
    returns: (horizon) => table.returns.get(horizon) ?? null,
    price: table.price,
    read: async (from, to) => table.X.subarray(from * F, to * F),
    pipeline,
    parts: null,
  };
}
