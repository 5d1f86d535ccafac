import { viewOf } from "../../data/index.js";
import { averageUniqueness } from "../../labels/index.js";
import { type FeatureView, FoldwiseError, gather, type StoredDataset, type Timestamps } from "../../types/index.js";
import { latestEnds, purgeBefore, rowsWithWindow } from "../../validation/index.js";
import type { ModelOrigin } from "../origin.js";

/** (N) the latest of a row's label ends over all horizons: rows do not depend on the horizon trained. */
export const latestEndsOf = (dataset: StoredDataset): Timestamps =>
  latestEnds(dataset.manifest.horizons.map((horizon) => dataset.labelEnds(horizon)));

/**
 * Parts validation rows into those that stop the bases and those to combine them on.
 *
 *     ├────── stop ──────┤e│p├────── fresh ──────┤      e embargoed, p purged
 *
 * @throws FoldwiseError `data.few_rows` where one of them is left empty.
 */
export function halves({ dataset, rows }: FeatureView, embargo: number): { stop: FeatureView; fresh: FeatureView } {
  const half = rows.length >> 1;
  const fresh = rows.slice(half);
  const { kept } = purgeBefore(
    rows.subarray(0, half),
    latestEndsOf(dataset),
    dataset.timestamps()[fresh[0] ?? -1] ?? Number.NaN,
  );
  const last = kept.at(-1) ?? 0;
  const stop = kept.filter((row) => row <= last - embargo);
  if (stop.length === 0 || fresh.length === 0) {
    throw new FoldwiseError(
      "data.few_rows",
      `Of ${rows.length} validation rows ${stop.length} are left to stop the bases by and ${fresh.length} to combine them on: the others have labels that reach across, or lie in the embargo of ${embargo} rows.`,
      { remedy: "Use more bars, shorter horizons, fewer folds, or a smaller --embargo." },
    );
  }
  return { stop: viewOf(dataset, stop), fresh: viewOf(dataset, fresh) };
}

/** Those of a view's rows that end a window of `seqLen` bars; null: all. */
export function withWindow(view: FeatureView, seqLen: number | null, from = 0): FeatureView {
  if (seqLen === null || seqLen === 1) return view;
  const rows = rowsWithWindow(view.rows, view.dataset.piece(), seqLen, from);
  return rows.length === view.rows.length ? view : viewOf(view.dataset, rows);
}

/** (N) label ends of the origin's horizon; the latest of all where the dataset is not the origin's. */
export function ownEnds(dataset: StoredDataset, origin: ModelOrigin): Timestamps {
  return isOwn(dataset, origin) ? dataset.labelEnds(origin.horizon) : latestEndsOf(dataset);
}

export const isOwn = ({ manifest }: StoredDataset, { fingerprint }: ModelOrigin): boolean =>
  fingerprint === manifest.fingerprint;

/** How much of a label each row is worth among `rows` (their order). */
export function uniquenessOf(dataset: StoredDataset, rows: Int32Array, ends: Timestamps): Float32Array {
  return gather(averageUniqueness(dataset.timestamps(), ends, rows), rows, new Float32Array(rows.length));
}

/** Positions among `rows` of some of them. */
export function placesAmong(rows: Int32Array): (some: Int32Array) => Int32Array {
  const position = new Map<number, number>();
  for (const [i, row] of rows.entries()) position.set(row, i);
  return (some) => some.map((row) => position.get(row)!);
}

/** Rows of a dataset with their labels and weights. */
export interface Rows {
  X: FeatureView;
  y: Int8Array;
  weights?: Float32Array | undefined;
}

/** Those rows that end a window, with their labels and weights. */
export function windowsOf({ X, y, weights }: Rows, seqLen: number | null): Rows {
  const kept = withWindow(X, seqLen);
  if (kept === X) return { X, y, weights };
  const at = placesAmong(X.rows)(kept.rows);
  return {
    X: kept,
    y: labelsAt(y, at),
    weights: weightsAt(weights, at),
  };
}

/** Labels of some positions. */
export const labelsAt = (y: Int8Array, positions: Int32Array): Int8Array =>
  gather(y, positions, new Int8Array(positions.length));

/** Weights of some positions, where there are any. */
export const weightsAt = (weights: Float32Array | undefined, positions: Int32Array): Float32Array | undefined =>
  weights === undefined ? undefined : gather(weights, positions, new Float32Array(positions.length));
