/**
 * The engine protocol: newline-delimited JSON, one message a line. `foldwise_engine/protocol.py` holds the same unions, and
 * both are tested on `test/fixtures/protocol/{valid,invalid}/`. Results of any size go to `.npy` files, never into messages.
 *
 *   TypeScript ── request ──▶ worker's stdin
 *   TypeScript ◀── event ──── worker's private copy of stdout (what libraries print goes to stderr)
 */
import { z } from "zod";
import { count, id, json, path } from "./protocolFields.js";
import { type TunerJob, tunerRequests, tunerResults } from "./tunerProtocol.js";

export const PROTOCOL_VERSION = 1;

/** A line longer than this is a flood, not a message. */
export const MAX_LINE_BYTES = 1_048_576;

const device = z.enum(["cpu", "cuda"]);
/**
 * Factors a class (−1, 0, 1) that turn `raw_probabilities` into `probabilities` (multiply, then divide by the row's sum):
 * the undoing of balanced class weights. Null: both are the same.
 */
const classScale = z.tuple([z.number(), z.number(), z.number()]).nullable().default(null);
const three = z.tuple([z.number(), z.number(), z.number()]);
/**
 * What the graph does to probabilities p after `class_scale`, classes −1, 0, 1; p counts as at least 1e-15:
 * (1 − prior_share) softmax(slope ln p + offset) + prior_share prior.
 */
const calibrator = z.strictObject({
  slope: three,
  offset: three,
  prior_share: z.number().min(0).max(1),
  prior: three,
});

const engineModel = {
  /** Registered model id; also the Python module under `foldwise_engine/models/`. */
  model: z.string().min(1),
  /** A plug-in's Python adapter file; null for the built-in ones. */
  adapter: path.nullable(),
};

export const helloRequest = z.strictObject({
  type: z.literal("hello"),
  id,
  /** Their engines are imported, the first before the answer, the others beside the next job; what cannot be is the error of the job that needs it. */
  imports: z.array(z.strictObject(engineModel)).default([]),
});

export const fitRequest = z.strictObject({
  type: z.literal("fit"),
  id,
  ...engineModel,
  /** Folder of the dataset store; `X.npy` and `y_h{horizon}.npy` are memory-mapped from it. */
  dataset: path,
  horizon: count,
  rows: z.strictObject({
    /** int32 .npy of row numbers to fit on. */
    train: path,
    /** int32 .npy of row numbers that decide when to stop; null: no early stopping. */
    stop: path.nullable(),
  }),
  /**
   * int32 .npy each, of rows that are among `rows.train`: the model is fitted on `fit`, and its probabilities are made from
   * its scores of `probability`. Null or absent: the model is fitted on `rows.train`.
   */
  steps: z.strictObject({ fit: path, probability: path }).nullable().optional(),
  /**
   * Sequence models: `rows` are the last bars of windows of `length` bars, each of which lies within one value of `piece`.
   * Training takes no bar outside of the rows `from` (inclusive) to `to` (exclusive). Null or absent: a row is an example.
   */
  window: z
    .strictObject({
      length: z.number().int().positive(),
      /** int32 (N) .npy; null: all rows are one piece. */
      piece: path.nullable(),
      from: count,
      to: count,
    })
    .nullable()
    .optional(),
  /** An existing folder, kept when the process dies: a fit that finds its own checkpoint there goes on from it. Null or absent: none. */
  checkpoint: path.nullable().optional(),
  /**
   * int32 .npy of row numbers of the dataset (of windows the last rows), which the fitted model answers before it is let go,
   * exactly as a `predict` of the model would. Null or absent: none.
   */
  answer: path.nullable().optional(),
  /** Progress is told of every so many rounds, however fast they are. Null or absent: as often as a person can see. */
  report_every: z.number().int().positive().nullable().optional(),
  /** Only answers are written: of the stop rows, and of `answer`. No file of the model, no importance, no training rows. */
  answers_only: z.boolean().optional(),
  /** float32 .npy aligned with `rows.train`, mean 1; steps take those of their rows. Null: every row weighs 1. */
  weights: path.nullable(),
  /** The stop rows decide by the probabilities that will be served: raw ones times these. */
  class_scale: classScale,
  /** The engine's own parameters, as in the model's YAML. */
  params: json,
  /** Rounds, patience and the like, as in the model's YAML. */
  training: json,
  seed: count,
  threads: z.number().int().positive(),
  device,
  /** An existing empty folder; the native model and its side files are written there. */
  out: path,
});

export const predictRequest = z.strictObject({
  type: z.literal("predict"),
  id,
  ...engineModel,
  /** The `out` folder of an earlier fit, or a bundle. */
  model_dir: path,
  /** float32 (N, F) .npy. */
  x: path,
  /** int32 .npy of row numbers; null: all. */
  rows: path.nullable(),
  /** float32 (N, 3) .npy to write. */
  out: path,
  threads: z.number().int().positive(),
  device,
});

export const exportRequest = z.strictObject({
  type: z.literal("export"),
  id,
  ...engineModel,
  model_dir: path,
  /** The .onnx file to write. */
  out: path,
  class_scale: classScale,
  /** Null or absent: none. */
  calibrator: calibrator.nullable().optional(),
});

export const cancelRequest = z.strictObject({ type: z.literal("cancel"), id, job: id });
export const shutdownRequest = z.strictObject({ type: z.literal("shutdown"), id });

export const request = z.discriminatedUnion("type", [
  helloRequest,
  fitRequest,
  predictRequest,
  exportRequest,
  ...tunerRequests,
  cancelRequest,
  shutdownRequest,
]);

export const helloResult = z.strictObject({
  kind: z.literal("hello"),
  /** `python`, `foldwise_engine`, `numpy`, `xgboost`, … → version; an engine that is not installed is absent. */
  versions: z.record(z.string(), z.string()),
  devices: z.array(device),
  /** Engine → whether it can use the CUDA devices; empty where there are none, silent about engines of plug-ins. */
  cuda: z.record(z.string(), z.boolean()),
  /** Whether the first CUDA device computes in bfloat16. */
  bf16: z.boolean(),
  memory_bytes: count,
});

export const fitResult = z.strictObject({
  kind: z.literal("fit"),
  /** From 1; 0 for models without rounds. */
  best_epoch: count,
  total_epochs: count,
  early_stopped: z.boolean(),
  /** Labels present in the training rows, ascending. */
  classes: z.array(z.union([z.literal(-1), z.literal(0), z.literal(1)])).min(2),
  /** Seconds: reading and binning; the engine's own training; writing and scoring. */
  seconds: z.strictObject({ data: z.number(), train: z.number(), finish: z.number() }),
  /**
   * File names inside `out`. `train`, `stop` and `answer` are float32 (N, 3) .npy raw probabilities of those rows; `train_rows` is an
   * int32 .npy of the positions among `rows.train` that `train` answers. Null or absent: all. `native`, `train` and `scaler`
   * are null where only answers were asked for.
   */
  files: z.strictObject({
    native: z.string().nullable(),
    scaler: z.string().nullable(),
    train: z.string().nullable(),
    stop: z.string().nullable(),
    train_rows: z.string().nullable().optional(),
    answer: z.string().nullable().optional(),
  }),
  /** How a sequence model was trained; null or absent for others. */
  sequence: z
    .strictObject({
      mode: z.enum(["dense", "windowed"]),
      precision: z.enum(["fp32", "bf16"]),
      /** Labelled outputs a step, halved where the GPU had too little memory. */
      batch_size: z.number().int().positive(),
      /** Trained numbers. */
      parameters: count,
      /** Bars that the newest answer depends on; at most the window. */
      receptive_field: z.number().int().positive(),
      /** The epoch of the checkpoint from which the fit went on; 0: it began anew. */
      resumed_from: count,
    })
    .nullable()
    .optional(),
  /** float64 (F) .npy inside `out`, summing to 1; null where the engine has none, and where only answers were asked for. */
  importance: z.strictObject({ kind: z.string(), file: z.string() }).nullable(),
  /** The device that ran, which may not be the one asked for. */
  device,
  /** Was quantised data taken from the worker's cache? Null for engines without it. */
  quantised: z.enum(["built", "reused"]).nullable(),
  peak_memory_bytes: count,
  /** Things the reader of the report should know. */
  warnings: z.array(z.string()),
});

export const predictResult = z.strictObject({ kind: z.literal("predict"), rows: count });

export const exportResult = z.strictObject({
  kind: z.literal("export"),
  opset: count,
  /** float32 (B, 2) .npy beside `out`: feature index and split threshold of (a sample of) the tree borders; null without trees. */
  borders: z.string().nullable(),
});

export const cancelResult = z.strictObject({ kind: z.literal("cancel"), found: z.boolean() });
export const shutdownResult = z.strictObject({ kind: z.literal("shutdown") });

export const result = z.discriminatedUnion("kind", [
  helloResult,
  fitResult,
  predictResult,
  exportResult,
  ...tunerResults,
  cancelResult,
  shutdownResult,
]);

/** Sent once, unasked, as soon as the worker can read requests. */
export const readyEvent = z.strictObject({ type: z.literal("ready"), protocol: z.number().int(), pid: count });
/** Sent every second by a thread of its own; a worker that is silent for long has hung. */
export const heartbeatEvent = z.strictObject({ type: z.literal("heartbeat") });
export const progressEvent = z.strictObject({
  type: z.literal("progress"),
  id,
  step: count,
  total: count,
  metrics: z.record(z.string(), z.number()),
});
export const logEvent = z.strictObject({
  type: z.literal("log"),
  id: id.nullable(),
  level: z.enum(["debug", "info", "warning", "error"]),
  message: z.string(),
});
export const doneEvent = z.strictObject({ type: z.literal("done"), id, result });
export const failedEvent = z.strictObject({
  type: z.literal("failed"),
  /** Null when the line could not be understood at all. */
  id: id.nullable(),
  /** `cancelled`, `bad_request`, `bad_parameter`, `bad_data`, `engine_missing`, `out_of_memory`, `device`, `diverged`, `bad_study`, `other_optuna`, `study_locked`, `internal`. */
  code: z.string().min(1),
  message: z.string(),
  remedy: z.string().nullable(),
  traceback: z.string().nullable(),
});

export const event = z.discriminatedUnion("type", [
  readyEvent,
  heartbeatEvent,
  progressEvent,
  logEvent,
  doneEvent,
  failedEvent,
]);

export type EngineRequest = z.infer<typeof request>;
export type HelloRequest = z.infer<typeof helloRequest>;
export type FitRequest = z.infer<typeof fitRequest>;
export type PredictRequest = z.infer<typeof predictRequest>;
export type ExportRequest = z.infer<typeof exportRequest>;
export type GraphCalibrator = z.infer<typeof calibrator>;
export type EngineEvent = z.infer<typeof event>;
export type EngineResult = z.infer<typeof result>;
export type HelloResult = z.infer<typeof helloResult>;
export type FitResult = z.infer<typeof fitResult>;
export type PredictResult = z.infer<typeof predictResult>;
export type ExportResult = z.infer<typeof exportResult>;

/** Jobs a caller may give to the pool; `id` is the pool's to choose. */
export type FitJob = Omit<FitRequest, "id" | "threads">;
export type EngineJob = FitJob | Omit<PredictRequest, "id" | "threads"> | Omit<ExportRequest, "id"> | TunerJob;
export type JobResult<J extends EngineJob> = Extract<EngineResult, { kind: J["type"] }>;
