import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { type BundleSpec, writeBundle } from "../../src/artifacts/index.js";
import { UNKNOWN_HOURS } from "../../src/market/index.js";
import type { PipelineSpec } from "../../src/types/index.js";

export const graph = (name: string): string => fileURLToPath(new URL(`../fixtures/onnx/${name}.onnx`, import.meta.url));

interface Expected {
  features: string[];
  X: (number | null)[];
  native: number[];
  borders: number[];
  probes: (number | null)[];
  native_probes: number[];
}

const json = JSON.parse(readFileSync(new URL("../fixtures/onnx/expected.json", import.meta.url), "utf8")) as Expected;
const withNaN = (values: (number | null)[]): Float32Array => Float32Array.from(values, (value) => value ?? Number.NaN);

/** The small real xgboost model behind `trees.onnx`: rows, and what the native booster answered. */
export const trees = {
  features: json.features,
  X: withNaN(json.X),
  rows: json.X.length / json.features.length,
  native: Float32Array.from(json.native),
  borders: Float32Array.from(json.borders),
  probes: withNaN(json.probes),
  nativeProbes: Float32Array.from(json.native_probes),
};

/** A new empty folder, gone when the run of tests ends. */
export const folder = (): string => mkdtempSync(join(inject("scratch"), "bundle-"));

export const pipeline: PipelineSpec = {
  version: 1,
  symbol: "MES",
  sessions: UNKNOWN_HOURS,
  outsideSession: "drop",
  rolls: [],
  costs: null,
  barTime: "close",
  timeZone: "UTC",
  step: 60_000_000,
  maxGap: 10,
  adjust: "ratio",
  features: { names: json.features, config: { rsi: { windows: [14] } }, plugins: [] },
  labels: { horizons: [5, 20], entry: "next_open", k: { "5": 0.5, "20": 0.5 }, atrPeriod: 14, session: "cross" },
  warmup: 100,
  synthetic: true,
};

/** What a trainer would say of `trees.onnx`. */
export function spec(more: Partial<BundleSpec> = {}): BundleSpec {
  return {
    model: "xgboost",
    family: "boosting",
    kind: "engine",
    class_scale: null,
    fit_sha256: null,
    ensemble: null,
    plugin: null,
    symbol: "MES",
    horizon: 20,
    input: "tabular",
    seq_len: null,
    features: trees.features,
    trained_classes: [-1, 0, 1],
    missing_values: "native",
    dataset_fingerprint: "f".repeat(64),
    seed: 7,
    device: "cpu",
    best_epoch: 8,
    run_id: "20260101_120000",
    created: new Date("2026-01-01T12:00:00Z"),
    versions: { foldwise: "0.1.0", xgboost: "3.2.0" },
    parity: { max_abs_diff: 1e-7, rows: 50, tolerance: 1e-5 },
    calibrator: null,
    decision: null,
    synthetic: true,
    native: "model.ubj",
    pipeline,
    config: "model_params: {}\n",
    files: { "model.onnx": { path: graph("trees") }, "model.ubj": { text: "native" } },
    ...more,
  };
}

export async function bundle(more: Partial<BundleSpec> = {}): Promise<string> {
  const dir = join(folder(), "xgboost_MES_h20");
  await writeBundle(dir, spec(more));
  return dir;
}
