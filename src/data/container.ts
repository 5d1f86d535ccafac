import {
  type ContainerPart,
  type FeatureView,
  FoldwiseError,
  NO_LABEL,
  type PartName,
  type StoredDataset,
  type TimeSeriesDataContainer,
} from "../types/index.js";

/** Some rows of a stored dataset; nothing is read until `read` is called. */
export function viewOf(dataset: StoredDataset, rows: Int32Array): FeatureView {
  const featureNames = dataset.manifest.features;
  return {
    kind: "view",
    shape: [rows.length, featureNames.length],
    featureNames,
    dataset,
    rows,
    read: (from = 0, to = rows.length) => dataset.readRows(rows.subarray(from, to)),
  };
}

/** The rows of a part that are labelled at every horizon: row sets do not depend on the horizon trained. Not purged. */
export function labelledRows(dataset: StoredDataset, part: PartName): Int32Array {
  const { parts, horizons } = dataset.manifest;
  const { start, end } = parts[part];
  const labels = horizons.map((horizon) => dataset.labels(horizon));
  const rows = new Int32Array(end - start);
  let count = 0;
  for (let row = start; row < end; row++) if (labels.every((y) => y[row] !== NO_LABEL)) rows[count++] = row;
  return rows.slice(0, count);
}

/**
 * One horizon of a stored dataset as the requirements' container. Throws `data.too_few_rows` where a part has no row
 * labelled at every horizon, or the training part fewer rows than a window of `seqLen`.
 *
 * Its parts are whole: labels of `train`'s last rows reach into `val`. `trainModel` purges and embargoes; whoever fits on the
 * rows by hand takes those of `planHoldout`.
 */
export function containerOf(
  dataset: StoredDataset,
  horizon: number,
  seqLen: number | null = null,
): TimeSeriesDataContainer {
  const { manifest } = dataset;
  const y = dataset.labels(horizon);
  const w = dataset.weights(horizon);
  const part = (name: PartName): ContainerPart => {
    const rows = labelledRows(dataset, name);
    if (rows.length === 0)
      throw tooFew(dataset, `the ${name} part has no row that is labelled at horizon ${manifest.horizons.join(", ")}.`);
    return {
      X: viewOf(dataset, rows),
      y: Int8Array.from(rows, (row) => y[row]!),
      w: Float32Array.from(rows, (row) => w[row]!),
    };
  };
  const { start, end } = manifest.parts.train;
  if (seqLen !== null && end - start < seqLen)
    throw tooFew(dataset, `the training part has ${end - start} rows, a window needs ${seqLen}.`);
  return {
    train: part("train"),
    val: part("val"),
    test: part("test"),
    featureNames: manifest.features,
    symbol: manifest.symbol,
    horizon,
    seqLen,
    dataset,
  };
}

function tooFew(dataset: StoredDataset, what: string): FoldwiseError {
  return new FoldwiseError("data.too_few_rows", `${dataset.manifest.symbol}: ${what}`, {
    remedy: "Give more rows, a shorter window, or other borders.",
  });
}
