import { openStored, viewOf, writeDataset } from "../../src/data/index.js";
import { UNKNOWN_HOURS } from "../../src/market/index.js";
import type { FeatureView, PipelineSpec, StoredDataset } from "../../src/types/index.js";
import type { Sample } from "./data.js";

const MINUTE = 60_000_000;

/** Writes two samples as the train and val parts of a dataset and opens it through the store, as `train` does. */
export async function storeSample(
  folder: string,
  train: Sample,
  stop: Sample,
): Promise<{ dataset: StoredDataset; XTrain: FeatureView; XStop: FeatureView }> {
  const F = train.X.featureNames.length;
  const n = train.y.length + stop.y.length;
  // The test part repeats the first rows of stop: these tests do not look at it.
  const rows = n + 50;
  const X = new Float32Array(rows * F);
  X.set(train.X.data);
  X.set(stop.X.data, train.X.data.length);
  X.set(stop.X.data.subarray(0, 50 * F), n * F);
  const y = new Int8Array(rows);
  y.set(train.y);
  y.set(stop.y, train.y.length);
  const timestamps = Float64Array.from({ length: rows }, (_, i) => 1_700_000_000_000_000 + i * MINUTE);
  await writeDataset(
    {
      symbol: "SAMPLE",
      timestamps,
      featureNames: train.X.featureNames,
      X,
      horizons: [{ horizon: 1, y, end: timestamps.map((t) => t + MINUTE), w: new Float32Array(rows).fill(1) }],
      entryPrice: new Float64Array(rows).fill(100),
      // A piece each, as arrays are: no window of stop looks back into train.
      piece: Int32Array.from({ length: rows }, (_, row) => (row < train.y.length ? 0 : 1)),
      parts: {
        train: { start: 0, end: train.y.length },
        val: { start: train.y.length, end: n },
        test: { start: n, end: rows },
      },
      pipeline: { ...PIPELINE, features: { ...PIPELINE.features, names: [...train.X.featureNames] } },
    },
    { out: folder, layouts: ["series"] },
  );
  const dataset = await openStored({ symbol: "SAMPLE", data: `${folder}/datasets`, store: `${folder}/store` });
  const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);
  return {
    dataset,
    XTrain: viewOf(dataset, range(0, train.y.length)),
    XStop: viewOf(dataset, range(train.y.length, n)),
  };
}

const PIPELINE: PipelineSpec = {
  version: 1,
  symbol: "SAMPLE",
  sessions: UNKNOWN_HOURS,
  outsideSession: "drop",
  rolls: [],
  costs: null,
  barTime: "close",
  timeZone: "UTC",
  step: MINUTE,
  maxGap: 10,
  adjust: "none",
  features: { names: [], config: {}, plugins: [] },
  labels: { horizons: [1], entry: "close", k: { "1": 0.5 }, atrPeriod: 14, session: "cross" },
  warmup: 0,
  synthetic: true,
};
