import type { ReportInput, ReportPart } from "../../src/report/index.js";
import { seededRandom } from "../../src/types/index.js";

const DAY = 86_400_000_000;
const START = Date.UTC(2020, 0, 1) * 1000;

/** Rows whose class is drawn from what the model says; `skill` 0 makes the model the prior. */
export function scored(n: number, skill: number, seed = 11) {
  const random = seededRandom(seed);
  const y = new Int8Array(n);
  const p = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) {
    const up = 1 / 3 + skill * (random.next() - 0.5);
    p.set([2 / 3 - up, 1 / 3, up], 3 * i);
    const u = random.next();
    y[i] = u < up ? 1 : u < up + 1 / 3 ? 0 : -1;
  }
  return { y, p, uniqueness: new Float32Array(n).fill(0.1), durations: new Float64Array(n).fill(10) };
}

function part(rows: number, firstDay: number): ReportPart {
  const third = Math.floor(rows / 3);
  return {
    rows,
    classes: [third, rows - 2 * third, third],
    lost: { unlabelled: 3, purged: 20, embargoed: 59, windowless: 0 },
    from: START + firstDay * DAY,
    to: START + (firstDay + rows - 1) * DAY,
  };
}

export function reportInput(more: Partial<ReportInput> = {}): ReportInput {
  return {
    model: "xgboost",
    family: "boosting",
    symbol: "MES",
    horizon: 20,
    synthetic: false,
    runId: "20260101_120000",
    created: new Date("2026-01-01T12:00:00Z"),
    trainingMetrics: {
      trainLoss: 1.01,
      valLoss: 1.05,
      trainAccuracy: 0.48,
      valAccuracy: 0.44,
      bestEpoch: 143,
      totalEpochs: 193,
      earlyStopped: true,
      trainingTime: 12.5,
    },
    prior: [1 / 3, 1 / 3, 1 / 3],
    trainedClasses: [-1, 0, 1],
    parts: {
      train: part(2100, 0),
      stop: { ...part(300, 2200), scored: scored(300, 0.6, 1) },
      calibrate: { ...part(300, 2600), scored: scored(300, 0.6, 2) },
      test: { ...part(600, 3000), scored: scored(600, 0.6, 3) },
    },
    embargo: 59,
    testOpenings: { opened: 2, configurations: 1 },
    importance: { kind: "gain", values: { macd_histogram: 0.065, rsi_14: 0.082, "1h_rsi_14": 0.071 } },
    data: { fingerprint: "f".repeat(64), layout: "series", features: 3, sources: ["MES.parquet"] },
    configuration: { preset: "market", modelParams: { max_depth: 4 }, training: { num_boost_round: 1000 } },
    seed: 7,
    device: "cpu",
    versions: { foldwise: "0.1.0", xgboost: "3.2.0" },
    seconds: { data: 0.3, fit: 12.5, export: 0.4 },
    peakMemoryBytes: 524_288_000,
    quantised: "built",
    sequence: null,
    parity: { maxAbsDiff: 2.4e-7, rows: 3000, tolerance: 1e-5 },
    calibration: null,
    decision: null,
    ensemble: null,
    warnings: [],
    notices: ["label_end_h20 is missing: derived from the rows."],
    ...more,
  };
}
