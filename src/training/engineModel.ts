import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { EnginePool, ExportResult, FitJob, FitResult, GraphCalibrator, RunOptions } from "../engine/index.js";
import { applyClassScale, classesIn, classificationMetrics } from "../evaluation/index.js";
import { encodeNpy, readNpy, sha256, writeFileAtomic } from "../files/index.js";
import type { EngineModelDefinition } from "../models/index.js";
import {
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  FoldwiseError,
  gather,
  type TrainingMetrics,
} from "../types/index.js";
import { trainedClassesOf } from "./classes.js";
import { type EngineInput, engineInput } from "./engineInput.js";
import { type ProbabilitySplit, splitForProbabilities } from "./probabilityRows.js";
import { seqLenOf } from "./sequence.js";
import { fitWeights, priorShift } from "./weights.js";

export interface EngineFitSettings {
  pool: EnginePool;
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
  seed: number;
  device: "cpu" | "cuda";
  /** An existing folder of this fit's own; removed by `dispose`. */
  workDir: string;
  /**
   * Where row numbers are written, in files named by their contents; `workDir` by default. Fits that share it name the same
   * file for the same rows, by which the pool finds a worker that has them binned.
   */
  rowsDir?: string;
  /** Where a sequence model keeps its state after each epoch, beyond the life of the process; none by default. */
  checkpointDir?: string;
  /** What errors and logs call the jobs: `xgboost_MES_h20`. */
  label?: string;
  /** Rows that will be asked for after the fit. The worker answers them in the fit's own job, where that has their dataset. */
  foreseen?: FeatureView;
  /**
   * Nothing but the foreseen rows will be asked for: the model's files are not written, and training rows not scored, wherever
   * the fit's own job can answer the foreseen.
   */
  answersOnly?: boolean;
  /** Waits until the fit may take a worker, and runs it; at once by default. All else is made ready before. */
  turn?: Turn;
  /** Progress is told of every so many rounds or epochs, however fast they are; as often as a person can see by default. */
  reportEvery?: number;
}

/** Calls `work` when its turn has come, and settles as it does. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** A finished fit, before it is exported. Paths lie in the fit's work folder. */
export interface EngineFit {
  metrics: TrainingMetrics;
  result: FitResult;
  /** Folder with the native file and its side files. */
  nativeDir: string;
  input: EngineInput;
  /** Factors that undo balanced class weights; null when none were used. */
  classScale: [number, number, number] | null;
  /** The rows that the fit's own job has answered, raw, and its file of them. */
  answered: { view: FeatureView; file: string } | null;
}

/** Seconds from the call to its answer, as a person would time it. */
const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/** One fit of an engine model: writes row and weight files, runs the job, scores train and stop examples. */
export async function fitEngine(
  definition: EngineModelDefinition,
  settings: EngineFitSettings,
  XTrain: FeatureMatrix,
  yOfTrain: Int8Array,
  XStop: FeatureMatrix,
  yOfStop: Int8Array,
  options: Pick<FitOptions, "sampleWeights" | "signal" | "onProgress"> = {},
): Promise<EngineFit> {
  const start = performance.now();
  const seqLen = seqLenOf(definition, settings.training);
  const input = await engineInput(XTrain, yOfTrain, XStop, yOfStop, settings.workDir, seqLen);
  const yTrain = gather(yOfTrain, input.train, new Int8Array(input.train.length));
  const yStop = gather(yOfStop, input.stop, new Int8Array(input.stop.length));
  const sampleWeights = weightsOfExamples(options.sampleWeights, yOfTrain.length, input.train);
  const classes = trainedClassesOf(yTrain);
  const { class_weight: classWeight, ...training } = settings.training;
  const balanced = classWeight === "balanced";
  const weights = fitWeights(yTrain, sampleWeights, balanced ? "balanced" : "none");
  // Rows of a class that training lacks cannot guide the stopping: their loss is a constant of 34 nats.
  const guiding = input.stopRows.filter((_, i) => classes.some((label) => label === yStop[i]));
  const nativeDir = join(settings.workDir, "native");
  mkdirSync(nativeDir);
  const classScale = balanced ? priorShift(yTrain, sampleWeights) : null;
  const rowsDir = settings.rowsDir ?? settings.workDir;
  const steps = stepsOf(definition, XTrain, yTrain);
  const fileOf = (positions: Int32Array): string =>
    rowFile(
      rowsDir,
      positions.map((i) => input.trainRows[i]!),
    );
  const foreseen =
    settings.foreseen !== undefined && input.rowsOf === settings.foreseen.dataset.dir ? settings.foreseen : null;
  const job: FitJob = {
    type: "fit",
    model: definition.id,
    adapter: definition.adapter,
    dataset: input.dataset,
    horizon: input.horizon,
    rows: {
      train: rowFile(rowsDir, input.trainRows),
      stop: guiding.length > 0 ? rowFile(rowsDir, guiding) : null,
    },
    steps: steps === null ? null : { fit: fileOf(steps.fit), probability: fileOf(steps.probability) },
    ...(input.window === null ? {} : { window: input.window, checkpoint: settings.checkpointDir ?? null }),
    ...(foreseen === null
      ? {}
      : { answer: rowFile(rowsDir, foreseen.rows), answers_only: settings.answersOnly === true }),
    ...(settings.reportEvery === undefined ? {} : { report_every: settings.reportEvery }),
    weights: weights === null ? null : weightFile(settings.workDir, weights),
    class_scale: classScale,
    params: settings.model_params,
    training,
    seed: settings.seed,
    device: settings.device,
    out: nativeDir,
  };
  const ready = performance.now();
  let waited = 0;
  const run = (): Promise<FitResult> => {
    waited = secondsSince(ready);
    return settings.pool.run(job, { ...runOptions(settings, options.signal), onProgress: options.onProgress });
  };
  const result = await (settings.turn === undefined ? run() : settings.turn(run));
  const served = (file: string): Float32Array =>
    applyClassScale(readNpy(join(nativeDir, file), "<f4").data, classScale);
  const train = trainScores(nativeDir, result, yTrain, served);
  const stop = stopScores(result.files.stop === null ? null : served(result.files.stop), yStop, classes);
  return {
    metrics: {
      trainLoss: train.logLoss,
      valLoss: stop.logLoss,
      trainAccuracy: train.accuracy,
      valAccuracy: stop.accuracy,
      bestEpoch: result.best_epoch,
      totalEpochs: result.total_epochs,
      earlyStopped: result.early_stopped,
      trainingTime: secondsSince(start) - waited,
    },
    result: steps === null ? result : { ...result, warnings: [...steps.warnings, ...result.warnings] },
    nativeDir,
    input,
    classScale,
    answered: foreseen === null || result.files.answer == null ? null : { view: foreseen, file: result.files.answer },
  };
}

/** Loss and accuracy of the training examples that were answered for; not numbers where none were. */
function trainScores(
  nativeDir: string,
  { files }: FitResult,
  yTrain: Int8Array,
  served: (file: string) => Float32Array,
): { logLoss: number; accuracy: number } {
  if (files.train === null) return { logLoss: Number.NaN, accuracy: Number.NaN };
  const answered = answeredRows(nativeDir, { files });
  const y = answered === null ? yTrain : gather(yTrain, answered, new Int8Array(answered.length));
  return classificationMetrics(y, served(files.train));
}

/** Positions among the training examples that were answered for train loss and accuracy; null: all. */
export function answeredRows(nativeDir: string, { files }: Pick<FitResult, "files">): Int32Array | null {
  const { train_rows: file } = files;
  return file === null || file === undefined ? null : readNpy(join(nativeDir, file), "<i4").data;
}

/** Weights of the examples; the right number of them is told where they are scaled. */
function weightsOfExamples(
  weights: Float32Array | undefined,
  rows: number,
  examples: Int32Array,
): Float32Array | undefined {
  if (weights === undefined || weights.length !== rows) return weights;
  return gather(weights, examples, new Float32Array(examples.length));
}

/** The two row sets of a model that makes its probabilities in a step of their own; null for others. */
function stepsOf(
  { id, capabilities: { probabilityRows: share } }: EngineModelDefinition,
  X: FeatureMatrix,
  y: Int8Array,
): ProbabilitySplit | null {
  if (share === undefined) return null;
  const steps = splitForProbabilities(X, share);
  const classes = classesIn(gather(y, steps.fit, new Int8Array(steps.fit.length)));
  if (classes.length >= 2) return steps;
  throw new FoldwiseError(
    "data.one_class",
    `The ${steps.fit.length} earlier training rows, on which ${id} is fitted, hold only class ${classes[0]}.`,
    { remedy: "Use more rows, another horizon or other barriers (label.k), so that at least two classes occur early." },
  );
}

function runOptions({ label }: Pick<EngineFitSettings, "label">, signal: AbortSignal | undefined): RunOptions {
  return { signal, label };
}

function rowFile(dir: string, rows: Int32Array): string {
  const bytes = encodeNpy("<i4", [rows.length], rows);
  const path = join(dir, `rows_${sha256(bytes).slice(0, 32)}.npy`);
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true });
    writeFileAtomic(path, bytes);
  }
  return path;
}

/** Scores of all stop rows from the answers for those that guide; those of a class that training lacked got probability 0 and count as errors. */
function stopScores(
  guiding: Float32Array | null,
  yStop: Int8Array,
  classes: readonly number[],
): { logLoss: number; accuracy: number } {
  if (guiding === null) return { logLoss: Number.NaN, accuracy: Number.NaN };
  const seen = yStop.filter((label) => classes.includes(label));
  const scores = classificationMetrics(seen, guiding);
  const share = seen.length / yStop.length;
  const missing = -Math.log(1e-15) * (1 - share);
  return { logLoss: scores.logLoss * share + missing, accuracy: scores.accuracy * share };
}

function weightFile(workDir: string, weights: Float32Array): string {
  const path = join(workDir, "weights.npy");
  writeFileAtomic(path, encodeNpy("<f4", [weights.length], weights));
  return path;
}

/** Writes `model.onnx` (and the tree borders that the parity check probes) from the fit's native file. */
export function exportEngine(
  definition: EngineModelDefinition,
  fit: EngineFit,
  settings: EngineFitSettings,
  calibrator: GraphCalibrator | null,
  signal?: AbortSignal,
): Promise<ExportResult> {
  return settings.pool.run(
    {
      type: "export",
      model: definition.id,
      adapter: definition.adapter,
      model_dir: fit.nativeDir,
      out: join(settings.workDir, "model.onnx"),
      class_scale: fit.classScale,
      calibrator,
    },
    runOptions(settings, signal),
  );
}

/** Name of the native file. @throws Error where only answers were asked for: a mistake of the caller's. */
export function requireNative({ result }: Pick<EngineFit, "result">): string {
  if (result.files.native === null) throw new Error("This fit was to leave answers only: it has no model.");
  return result.files.native;
}

/** Probabilities (N, 3), as they would be served without a calibrator, of the native model for rows of a stored dataset, or the windows that end there. */
export async function answerView(
  definition: EngineModelDefinition,
  fit: Pick<EngineFit, "nativeDir" | "classScale" | "answered" | "result">,
  settings: Pick<EngineFitSettings, "pool" | "device" | "workDir" | "rowsDir" | "label">,
  { dataset, rows }: FeatureView,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { answered } = fit;
  if (answered !== null && answered.view.dataset === dataset && answered.view.rows === rows)
    return applyClassScale(readNpy(join(fit.nativeDir, answered.file), "<f4").data, fit.classScale);
  requireNative(fit);
  const out = join(settings.workDir, "answers.npy");
  await settings.pool.run(
    {
      type: "predict",
      model: definition.id,
      adapter: definition.adapter,
      model_dir: fit.nativeDir,
      x: join(dataset.dir, "X.npy"),
      rows: rowFile(settings.rowsDir ?? settings.workDir, rows),
      out,
      device: settings.device,
    },
    runOptions(settings, signal),
  );
  return applyClassScale(readNpy(out, "<f4").data, fit.classScale);
}

/** Raw probabilities (N, 3) of the native model for rows, or windows of `steps` rows, in memory: `X` is (N, steps, F). */
export async function predictNative(
  definition: EngineModelDefinition,
  fit: Pick<EngineFit, "nativeDir">,
  settings: Pick<EngineFitSettings, "pool" | "device" | "workDir" | "label">,
  X: Float32Array,
  { features, steps }: { features: number; steps: number },
  signal?: AbortSignal,
): Promise<Float32Array> {
  const x = join(settings.workDir, "probe.npy");
  const ends = join(settings.workDir, "probe_ends.npy");
  const out = join(settings.workDir, "probe_p.npy");
  const rows = X.length / features;
  writeFileAtomic(x, encodeNpy("<f4", [rows, features], X));
  if (steps > 1) {
    const last = Int32Array.from({ length: rows / steps }, (_, i) => (i + 1) * steps - 1);
    writeFileAtomic(ends, encodeNpy("<i4", [last.length], last));
  }
  try {
    await settings.pool.run(
      {
        type: "predict",
        model: definition.id,
        adapter: definition.adapter,
        model_dir: fit.nativeDir,
        x,
        rows: steps > 1 ? ends : null,
        out,
        device: settings.device,
      },
      runOptions(settings, signal),
    );
    return readNpy(out, "<f4").data;
  } finally {
    for (const file of [x, ends, out]) rmSync(file, { force: true });
  }
}
