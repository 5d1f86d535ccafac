import { FoldwiseError, type StoredDataset, type TimeSeriesDataContainer } from "../types/index.js";
import { containerOf } from "./container.js";
import { type DatasetFiles, locateDataset, locateFile } from "./locate.js";
import { type StoreOptions, storeDataset } from "./store.js";

export interface OpenOptions {
  /** Where the dataset lives in the store; `.foldwise/datasets` by default. */
  store?: string;
  /** Hash the sources again instead of trusting size, modification time and inode, and check the stored arrays. */
  verify?: boolean;
  /** A plain `label` column takes this horizon. */
  horizon?: number;
  /** Told the dataset's notices: derived label ends, missing pieces, constant features … */
  onNotice?: (message: string) => void;
}

export interface OpenDatasetOptions extends OpenOptions {
  symbol: string;
  /** Folder; `data/datasets`, then `data/splits/scaled` by default. */
  data?: string;
  /** Bars of a window, for sequence models. */
  seqLen?: number;
}

/**
 * Opens one symbol at one horizon (may be left out where the dataset has only one). The parts are whole, not purged: see
 * `containerOf`. Throws `data.*`, `usage.*`.
 */
export async function openDataset(options: OpenDatasetOptions): Promise<TimeSeriesDataContainer> {
  const dataset = await openStored(options);
  const { horizons, symbol } = dataset.manifest;
  const horizon = options.horizon ?? (horizons.length === 1 ? horizons[0] : undefined);
  if (horizon === undefined) {
    throw new FoldwiseError("usage.horizon_required", `The dataset of ${symbol} has several horizons.`, {
      remedy: `Choose one of ${horizons.join(", ")}.`,
      details: { allowed: horizons },
    });
  }
  return containerOf(dataset, horizon, options.seqLen ?? null);
}

/** The stored dataset with all its horizons. */
export function openStored(options: Omit<OpenDatasetOptions, "seqLen">): Promise<StoredDataset> {
  return open(locateDataset(options.symbol, options.data), { ...options, labelsRequired: true });
}

/** One CSV or Parquet file of a dataset, as a series; rows to predict on need no labels. */
export function openDatasetFile(path: string, options: OpenOptions = {}): Promise<StoredDataset> {
  return open(locateFile(path), { ...options, labelsRequired: false });
}

async function open(files: DatasetFiles, options: OpenOptions & StoreOptions): Promise<StoredDataset> {
  const dataset = await storeDataset(files, options);
  for (const notice of dataset.manifest.notices) options.onNotice?.(notice);
  return dataset;
}
