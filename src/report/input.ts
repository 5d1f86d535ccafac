import type { Calibrator, CalibratorScore, ClassShares, ScoredRows } from "../evaluation/index.js";
import type { Label, TrainingMetrics } from "../types/index.js";
import type { DecisionFacts } from "./decision.js";

/** The rows of one part: how many, which, and what was lost. */
export interface ReportPart {
  /** Rows used. */
  rows: number;
  /** Rows of −1, 0, 1 among them; null while the part is closed. */
  classes: [number, number, number] | null;
  lost: { unlabelled: number; purged: number; embargoed: number; windowless: number };
  /** First and last timestamp of the rows used, microseconds; null for a part without rows. */
  from: number | null;
  to: number | null;
}

/** A part with the model's answers for its rows; null for a part that was not scored. */
export interface ScoredPart extends ReportPart {
  scored: ScoredRows | null;
}

/** How a sequence model was trained. */
export interface SequenceFacts {
  seqLen: number;
  /** Bars that an answer depends on, at most the window. */
  receptiveField: number;
  mode: "dense" | "windowed";
  precision: "fp32" | "bf16";
  batchSize: number;
  parameters: number;
  /** The epoch from whose checkpoint the fit went on; 0: from the start. */
  resumedFrom: number;
  /** Training rows on which train loss and accuracy were taken. */
  trainRowsScored: number;
}

/** How a calibrator was chosen on the `calibrate` rows. */
export interface CalibrationFacts {
  calibrator: Calibrator;
  /** Why this one, or why none. */
  reason: string;
  /** Cross-fitted, of each kind that was tried. */
  scores: readonly CalibratorScore[];
  /** (N) labels of the rows. */
  y: Int8Array;
  /** (N, 3) before. */
  raw: Float32Array;
  /** (N, 3) after, each row by a calibrator that had not seen it. */
  crossFitted: Float64Array;
}

/** How an ensemble combines, and what each of its bases is worth. */
export interface EnsembleReportFacts {
  combination: { kind: string; weights?: number[]; coefficients?: number[][]; bias?: number[] };
  reason: string | null;
  learnedOn: "calibrate" | "out-of-fold" | "nothing";
  rows: number;
  effectiveLabels: number;
  bases: { name: string; source: string; logLoss: number; adds: number | null }[];
  layer: string[];
  passthrough: readonly string[];
  errorCorrelation: (number | null)[][];
  dropped: { name: string; why: string }[];
  windowless: number;
}

/** Everything that `buildReport` needs, as the trainer knows it at the end of a job. */
export interface ReportInput {
  model: string;
  family: string;
  symbol: string;
  horizon: number;
  synthetic: boolean;
  runId: string | null;
  created: Date;
  trainingMetrics: TrainingMetrics;
  /** Unweighted class shares of the training rows (`priorOf`). */
  prior: ClassShares;
  trainedClasses: readonly Label[];
  parts: {
    train: ReportPart;
    stop: ScoredPart;
    /** Always scored. */
    calibrate: ReportPart & { scored: ScoredRows };
    /** `scored: null` with `--no-test`. */
    test: ScoredPart;
  };
  /** Rows. */
  embargo: number;
  /** Null where the test part stayed closed. */
  testOpenings: { opened: number; configurations: number } | null;
  /** Null where the model has none. */
  importance: { kind: string; values: Record<string, number> } | null;
  data: {
    fingerprint: string | null;
    layout: "series" | "splits" | null;
    features: number;
    sources: readonly string[];
  };
  configuration: { preset: string; modelParams: Record<string, unknown>; training: Record<string, unknown> };
  /** By which study the parameters were chosen; null: by none. */
  tuned?: { run_id: string; study: string; trials: number; metric: string } | null;
  seed: number;
  /** The device that ran: `cpu`, `cuda`. */
  device: string;
  versions: Record<string, string>;
  /** Stage → seconds, in the order of the stages. */
  seconds: Record<string, number>;
  peakMemoryBytes: number | null;
  quantised: "built" | "reused" | null;
  /** Of a sequence model. */
  sequence: SequenceFacts | null;
  parity: { maxAbsDiff: number; rows: number; tolerance: number } | null;
  /** Null where none was asked for, or the model's bundle can hold none. */
  calibration: CalibrationFacts | null;
  decision: DecisionFacts | null;
  /** Of an ensemble. */
  ensemble: EnsembleReportFacts | null;
  /** What may be wrong: a best round under 10, an unreliable interval … */
  warnings: readonly string[];
  /** What was assumed: derived label ends, ignored keys … */
  notices: readonly string[];
  /** Of the bootstrap; at least 2 000, the default. */
  resamples?: number;
}
