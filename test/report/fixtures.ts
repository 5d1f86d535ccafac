import type { ReportInput, ReportPart, TuningReport, TuningTrial } from "../../src/report/index.js";
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

const METRICS: TuningReport["cv"]["metrics"] = {
  accuracy: 0.46,
  precision: 0.41,
  recall: 0.42,
  f1: 0.4,
  log_loss: 1.0312,
  brier: 0.61,
  mcc: 0.12,
  ece: 0.03,
  confusion_matrix: [
    [30, 10, 20],
    [10, 20, 10],
    [20, 10, 30],
  ],
};

export const tuningTrial = (slot: number, more: Partial<TuningTrial> = {}): TuningTrial => ({
  slot,
  number: slot,
  state: "complete",
  value: 1.05,
  params: { "model_params.max_depth": 4, "training.class_weight": "none" },
  best_epochs: [80, 90, 100],
  pruned_at: null,
  seconds: 2,
  error: null,
  ...more,
});

/** Four trials of xgboost: the defaults, the best, one pruned and one failed. */
export function tuningReport(more: Partial<TuningReport> = {}): TuningReport {
  return {
    format: 1,
    head_line: "Does tuning xgboost pay? YES, as far as these rows can say: logloss 1.0312 against 1.0500.",
    model_name: "xgboost",
    family: "boosting",
    symbol: "MES",
    horizon: 20,
    synthetic: false,
    run_id: "20260101_120000",
    created: "2026-01-01T12:00:00.000Z",
    study: { file: "experiments/studies/xgboost_MES_h20.db", name: "xgboost_MES_h20" },
    metric: "logloss",
    direction: "minimize",
    sampler: "tpe",
    pruner: "median",
    seed: 7,
    scheme: { name: "kfold", description: "purged 3-fold cross-validation", splits: 3 },
    seeds: [7],
    embargo: 59,
    target: 4,
    out_of_time: false,
    counts: { complete: 2, pruned: 1, failed: 1, running: 0 },
    distribution: { worst: 1.05, lower: 1.0453, median: 1.0406, upper: 1.0359, best: 1.0312 },
    best: {
      slot: 1,
      value: 1.0312,
      params: { "model_params.max_depth": 6, "model_params.eta": 0.0123456 },
      is_default: false,
      refit_epochs: 90,
    },
    default: { value: 1.05, fitted: { "model_params.max_depth": 4 } },
    new_trials: 4,
    gain: {
      basis: "log_loss",
      difference: -0.0188,
      interval: [-0.031, -0.006],
      shown: true,
      bootstrap: { block: 40, blocks: 60, resamples: 2000, unreliable: false },
    },
    overfitting: {
      probability: 0.21,
      basis: "log-loss",
      compared: 2,
      pruned_finished: 0,
      survivors_only: true,
      splits: 12_870,
      blocks: 16,
    },
    no_overfitting_because: null,
    trials_effective: 3.4,
    deflated_sharpe: { probability: 0.81, sharpe: 0.1, expected: 0.05, sessions_per_year: 252 },
    no_deflated_sharpe_because: null,
    importance: { "model_params.max_depth": 0.25, "model_params.eta": 0.75 },
    curve: [
      { slot: 0, best: 1.05 },
      { slot: 1, best: 1.0312 },
    ],
    cv: {
      head_line: "Beats the prior? YES: log-loss better by 0.049 [0.020, 0.080], effective n = 90 (purged 3-fold)",
      metrics: METRICS,
      prior: { ...METRICS, log_loss: 1.08 },
      log_loss_difference: -0.0488,
      interval: [-0.08, -0.02],
    },
    nested: null,
    refit: {
      rows: "train",
      epochs: null,
      report: "reports/xgboost_MES_h20_report.json",
      head_line: "Beats the prior? NOT SHOWN: log-loss worse by 0.003 [−0.001, 0.007], effective n = 40",
      test_prior: { ...METRICS, log_loss: 1.08 },
      test: METRICS,
    },
    trials: [
      tuningTrial(0),
      tuningTrial(1, { value: 1.0312, params: { "model_params.max_depth": 6, "model_params.eta": 0.0123456 } }),
      tuningTrial(2, { state: "pruned", value: null, pruned_at: 120, best_epochs: null }),
      tuningTrial(3, { state: "fail", value: null, error: "engine.fit_failed: no", best_epochs: null }),
    ],
    files: {
      config: "tuned/xgboost_MES_h20.yaml",
      cv: "reports/xgboost_MES_h20_cv.json",
      oof: "oof/xgboost_MES_h20.parquet",
    },
    data: { fingerprint: "f".repeat(64), features: 3, sources: ["MES.parquet"] },
    versions: { foldwise: "0.1.0" },
    seconds: { search: 12.34, pbo: 0, nested: 0 },
    warnings: [],
    notices: [],
    ...more,
  };
}

/** What `--nested` adds. */
export const nestedResult: NonNullable<TuningReport["nested"]> = {
  head_line: "Beats the prior? NOT SHOWN: log-loss better by 0.036 [−0.001, 0.070], effective n = 90 (purged 3-fold)",
  metrics: { ...METRICS, log_loss: 1.0444 },
  prior: { ...METRICS, log_loss: 1.08 },
  log_loss_difference: -0.0356,
  interval: [-0.07, 0.001],
  value: 1.0444,
  folds: [0, 1, 2].map((fold) => ({ fold, trials: 4, value: 1.03, params: { "model_params.max_depth": 6 } })),
};
