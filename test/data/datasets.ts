import type { DatasetToWrite } from "../../src/data/index.js";
import { UNKNOWN_HOURS } from "../../src/market/index.js";
import { NO_LABEL, type PipelineSpec, seededRandom } from "../../src/types/index.js";

const MINUTE = 60_000_000;

export const PIPELINE: PipelineSpec = {
  version: 1,
  symbol: "TOY",
  sessions: UNKNOWN_HOURS,
  outsideSession: "drop",
  rolls: [],
  costs: null,
  barTime: "open",
  timeZone: "Europe/Berlin",
  step: MINUTE,
  maxGap: 10,
  adjust: "ratio",
  features: {
    names: ["a", "b"],
    config: { momentum: { rsi_windows: [7, 14], camelCase: true } },
    plugins: ["./mine.ts"],
  },
  labels: { horizons: [5, 20], entry: "next_open", k: { 5: 0.5, 20: 0.75 }, atrPeriod: 14, session: "cross" },
  warmup: 240,
  synthetic: true,
};

/** The pipeline of rows with these features, a minute apart unless said otherwise. */
export const pipelineOf = (names: string[], step: number | null = MINUTE): PipelineSpec => ({
  ...PIPELINE,
  step,
  features: { ...PIPELINE.features, names },
});

/** One-minute rows of noise, the last `horizon` of them context, cut 70/15/15. */
export function bigDataset({
  rows,
  features = 20,
  seed = 1,
}: {
  rows: number;
  features?: number;
  seed?: number;
}): DatasetToWrite {
  const random = seededRandom(seed);
  const timestamps = Float64Array.from({ length: rows }, (_, row) => 1.6e15 + row * MINUTE);
  const featureNames = Array.from({ length: features }, (_, j) => `f_${j}`);
  const [val, test] = [Math.floor(rows * 0.7), Math.floor(rows * 0.85)];
  return {
    symbol: "TOY",
    timestamps,
    featureNames,
    X: Float32Array.from({ length: rows * features }, () => random.next()),
    horizons: [5, 20].map((horizon) => ({
      horizon,
      y: Int8Array.from({ length: rows }, (_, row) => (row + horizon < rows ? random.int(3) - 1 : NO_LABEL)),
      end: timestamps.map((stamp, row) => (row + horizon < rows ? stamp + horizon * MINUTE : Number.NaN)),
      w: Float32Array.from({ length: rows }, (_, row) => (row + horizon < rows ? 0.5 + random.next() : 1)),
    })),
    entryPrice: new Float64Array(rows).fill(100),
    piece: new Int32Array(rows),
    parts: { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: rows } },
    pipeline: pipelineOf(featureNames),
  };
}
