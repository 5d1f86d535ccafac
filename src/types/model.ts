import type { FeatureMatrix } from "./dataset.js";

/** Exactly the requirements' fields; times in seconds, losses in nats, `bestEpoch` counts from 1 (0: no rounds). */
export interface TrainingMetrics {
  trainLoss: number;
  valLoss: number;
  trainAccuracy: number;
  valAccuracy: number;
  bestEpoch: number;
  totalEpochs: number;
  earlyStopped: boolean;
  trainingTime: number;
}

/** The requirements' fields, and what the bundle decides by them. */
export interface PredictionOutput {
  /** (N) in −1, 0, 1. */
  predictions: Int8Array;
  /** (N, 3) row-major, columns −1, 0, 1, rows sum to 1. */
  probabilities: Float32Array;
  /** (N), the largest probability of each row. */
  confidence: Float32Array;
  /** (N, 3) of 0 and 1, columns −1, 0, 1: the prediction set. Absent where the bundle holds none. */
  sets?: Uint8Array;
  /** (N) in −1, 0, 1, or −128: no trade. Absent where the bundle holds no rule. */
  signals?: Int8Array;
  /** Sequence models: which rows of the input have a full window and so an answer. */
  rows?: Int32Array;
}

export interface FitProgress {
  /** Rounds or epochs done. */
  step: number;
  /** Upper bound; early stopping may end before it. */
  total: number;
  metrics: Record<string, number>;
}

export interface FitOptions {
  /** (N), > 0; scaled to mean 1 inside. */
  sampleWeights?: Float32Array;
  /** `model_params` and `training`, as in the model's YAML. */
  config?: Record<string, unknown>;
  signal?: AbortSignal;
  onProgress?: (progress: FitProgress) => void;
}

/** The requirements' interface: every model of every family, built-in or plug-in. */
export interface BaseModel {
  fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options?: FitOptions,
  ): Promise<TrainingMetrics>;
  predict(X: FeatureMatrix): Promise<PredictionOutput>;
  save(dir: string): Promise<void>;
}
