import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BundleSpec, writeBundle } from "../../src/artifacts/index.js";
import { viewOf } from "../../src/data/index.js";
import type { FeatureArray, FeatureView, StoredDataset } from "../../src/types/index.js";
import { folder, graph, pipeline, spec } from "./fixtures.js";

interface Expected {
  features: string[];
  seq_len: number;
  rows: (number | null)[];
  lstm: number[];
  mixed: number[];
}

const json = JSON.parse(readFileSync(new URL("../fixtures/onnx/sequences.json", import.meta.url), "utf8")) as Expected;

/** The rows behind `lstm.onnx` and `mixed.onnx`, some values missing, and what they answer for each row from the fifth on. */
export const series = {
  features: json.features,
  seqLen: json.seq_len,
  width: json.features.length,
  X: Float32Array.from(json.rows, (value) => value ?? Number.NaN),
  rows: json.rows.length / json.features.length,
  lstm: Float32Array.from(json.lstm),
  mixed: Float32Array.from(json.mixed),
};

/** Rows `from` to `to` as an array (n, F). */
export const rowsArray = (from = 0, to = series.rows): FeatureArray => ({
  data: series.X.slice(from * series.width, to * series.width),
  shape: [to - from, series.width],
  featureNames: series.features,
});

/** The window that ends with a row, (T · F). */
export const windowOf = (end: number): Float32Array =>
  series.X.slice((end - series.seqLen + 1) * series.width, (end + 1) * series.width);

/** All windows of the series, (N, T, F). */
export function windowsArray(): FeatureArray {
  const ends = Array.from({ length: series.rows - series.seqLen + 1 }, (_, i) => i + series.seqLen - 1);
  const data = Float32Array.from(ends.flatMap((end) => [...windowOf(end)]));
  return { data, shape: [ends.length, series.seqLen, series.width], featureNames: series.features };
}

/** Some rows of the series as a stored dataset has them, its columns in another order. */
export function seriesView(piece: Int32Array, rows: Int32Array): FeatureView {
  const order = [2, 0, 1];
  const dataset = {
    manifest: { features: order.map((f) => series.features[f]!), rows: series.rows },
    piece: () => piece,
    readRows: async (wanted: Int32Array) =>
      Float32Array.from([...wanted].flatMap((row) => order.map((f) => series.X[row * series.width + f]!))),
  } as unknown as StoredDataset;
  return viewOf(dataset, rows);
}

/** A bundle of `lstm.onnx`. */
export async function sequenceBundle(more: Partial<BundleSpec> = {}): Promise<string> {
  const dir = join(folder(), "lstm_MES_h20");
  await writeBundle(
    dir,
    spec({
      model: "lstm",
      family: "neural",
      input: "sequence",
      seq_len: series.seqLen,
      features: series.features,
      missing_values: "impute",
      native: "model.safetensors",
      pipeline: { ...pipeline, features: { ...pipeline.features, names: series.features } },
      files: { "model.onnx": { path: graph("lstm") }, "model.safetensors": { text: "native" } },
      ...more,
    }),
  );
  return dir;
}

export const largest = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
};
