import type { BarTime, Timestamps } from "./bars.js";
import type { PipelineSpec } from "./pipeline.js";

export type PartName = "train" | "val" | "test";
export const PART_NAMES: readonly PartName[] = ["train", "val", "test"];

/** Rows `start` (inclusive) to `end` (exclusive). */
export interface RowRange {
  start: number;
  end: number;
}

/** What `manifest.json` of a stored dataset says (design, section 3, "The store"). */
export interface DatasetManifest {
  format: 1;
  /** SHA-256 over everything that decides what a model sees: the sources' contents, symbol, layout. Also the folder's name. */
  fingerprint: string;
  symbol: string;
  layout: "series" | "splits";
  sources: { path: string; size: number; mtimeNs: string; inode: string; sha256: string }[];
  /** CRC-32 of each array's values, against damage of the stored files. */
  checksums: { array: string; crc32: number }[];
  rows: number;
  features: string[];
  /** Ascending, in bars. */
  horizons: number[];
  parts: Record<PartName, RowRange>;
  /** Median difference of neighbouring timestamps, microseconds. */
  medianStep: number;
  barTime: BarTime | null;
  /** Per horizon: were these columns in the file, or filled by the contract's rule? */
  labelEnd: Record<string, "given" | "derived">;
  weights: Record<string, "given" | "missing">;
  returns: number[];
  hasEntryPrice: boolean;
  /** Said once when the dataset was converted: derived label ends, constant columns, missing piece column … */
  notices: string[];
  /** From `{SYMBOL}.meta.json`; absent for datasets that `prepare` did not write. */
  pipeline: PipelineSpec | null;
}

/** An opened dataset of the store. Arrays are loaded on first use and cached; X is read by rows. */
export interface StoredDataset {
  readonly dir: string;
  readonly manifest: DatasetManifest;
  /** Close stamps, (N). */
  timestamps(): Timestamps;
  /** (N), never across which a window goes. */
  piece(): Int32Array;
  /** (N) in −1, 0, 1, `NO_LABEL`. */
  labels(horizon: number): Int8Array;
  /** (N), NaN for context rows. */
  labelEnds(horizon: number): Timestamps;
  /** (N), as in the file: not scaled. */
  weights(horizon: number): Float32Array;
  returns(horizon: number): Float32Array | null;
  entryPrice(): Float64Array | null;
  /** Row-major (rows.length, F). */
  readRows(rows: Int32Array): Promise<Float32Array>;
}

/** Row-major features, held in memory or read from the store on demand. */
export type FeatureMatrix = FeatureView | FeatureArray;

/** Rows of a stored dataset; nothing is read until `read` is called. */
export interface FeatureView {
  readonly kind: "view";
  readonly shape: readonly [rows: number, features: number];
  readonly featureNames: readonly string[];
  readonly dataset: StoredDataset;
  /** Row numbers in the dataset. */
  readonly rows: Int32Array;
  /** Row-major values of the view's rows `from` (inclusive) to `to` (exclusive); all by default. */
  read(from?: number, to?: number): Promise<Float32Array>;
}

/** (N, F) for tabular models, (N, T, F) windows for sequence models. */
export interface FeatureArray {
  readonly kind?: "array";
  readonly data: Float32Array;
  readonly shape: readonly [number, number] | readonly [number, number, number];
  readonly featureNames: readonly string[];
}

export interface ContainerPart {
  X: FeatureView;
  /** (N) in −1, 0, 1: rows that are labelled at every horizon of the dataset. */
  y: Int8Array;
  /** (N), > 0. */
  w: Float32Array;
}

/** One symbol and horizon of a stored dataset: the requirements' container, without copies. */
export interface TimeSeriesDataContainer {
  readonly train: ContainerPart;
  readonly val: ContainerPart;
  readonly test: ContainerPart;
  readonly featureNames: readonly string[];
  readonly symbol: string;
  readonly horizon: number;
  readonly seqLen: number | null;
  readonly dataset: StoredDataset;
}
