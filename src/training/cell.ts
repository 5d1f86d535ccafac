import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CHECKPOINTS_FOLDER, type Run, WORK_FOLDER } from "../artifacts/index.js";
import type { ResolvedModel } from "../config/index.js";
import { readWindows, viewOf } from "../data/index.js";
import type { EnginePool } from "../engine/index.js";
import {
  type ClassShares,
  IMPORTANCE_ROWS,
  permutationImportance,
  priorOf,
  requireTwoClasses,
  sampleRows,
} from "../evaluation/index.js";
import { pathUnder, readNpy, writeFileAtomic } from "../files/index.js";
import { loadModel, type ServedModel, toOutput } from "../inference/index.js";
import type { ModelDefinition } from "../models/index.js";
import { encodeReport, type Report } from "../report/index.js";
import {
  type Costs,
  type FeatureView,
  type FitProgress,
  type OnEvent,
  type StoredDataset,
  type TrainingMetrics,
  throwIfAborted,
} from "../types/index.js";
import type { HoldoutPlan } from "../validation/index.js";
import { answerParts, type PartAnswers, writeAnswers } from "./answers.js";
import { type Calibration, type CalibrationSetting, calibrationAfter, calibrationOn } from "./calibration.js";
import { reportOf } from "./cellReport.js";
import { type DecisionSettings, decidedAnswers, type FittedDecision, fitDecision, sourceOf } from "./decision.js";
import type { CombinedOn, EnsembleSettings } from "./ensemble/index.js";
import { fitDigest } from "./fitDigest.js";
import type { CellOutcome, GridCell } from "./grid.js";
import { type FitDetails, type TrainableModel, trainable } from "./model.js";
import type { RunOpenings } from "./openings.js";
import { labelsOf, weightsOf } from "./rows.js";

/** One job with every decision made. */
export interface CellWork {
  run: Run;
  cell: GridCell;
  definition: ModelDefinition;
  settings: Pick<ResolvedModel, "model_params" | "training" | "preset" | "tuned">;
  /** Of an ensemble: what it is made of; rows to combine on are those of the plan. */
  ensemble?: EnsembleSettings;
  calibration: CalibrationSetting;
  decision: DecisionSettings;
  /** What a trade of the symbol costs; null: not known. */
  costs: Costs | null;
  dataset: StoredDataset;
  plan: HoldoutPlan;
  seed: number;
  device: "cpu" | "cuda";
  /** Null leaves the test part closed. */
  openings: RunOpenings | null;
  /** Text of the bundle's `config.yaml`. */
  config: string;
  versions: Record<string, string>;
  /** What was assumed on the way: derived label ends, devices … */
  notices: readonly string[];
  pool: EnginePool;
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
  /** Called once the pool's worker is free: what is left is done in Node. */
  onFitted?: (() => void) | undefined;
}

export interface CellResult extends CellOutcome {
  bundle: string;
  report: string;
  reportData: Report;
  metrics: TrainingMetrics;
  model: ServedModel;
}

/**
 * Fits one model on the plan's rows, writes its bundle, and judges the bundle as it will be served:
 *
 *   fit → calibrator → sets, signals → export, parity → bundle → answers of the bundle in Node → predictions, report
 */
export async function trainCell(work: CellWork): Promise<CellResult> {
  const { run, cell, dataset } = work;
  const clock = stopwatch();
  const workDir = join(run.dir, WORK_FOLDER, cell.job);
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  const fresh = viewOf(dataset, work.plan.calibrate);
  const model = trainable(work.definition, {
    pool: work.pool,
    ...work.settings,
    seed: work.seed,
    device: work.device,
    workDir,
    rowsDir: join(run.dir, WORK_FOLDER, "rows"),
    ...checkpointsOf(work),
    ...ensembleOn(work, fresh),
    foreseen: fresh,
    label: cell.job,
    signal: work.signal,
    onEngineDone: work.onFitted,
    origin: {
      symbol: cell.symbol,
      horizon: cell.horizon,
      fingerprint: dataset.manifest.fingerprint,
      fitSha256: fitDigest({
        ...work.settings,
        ...work,
        ...work.plan,
        horizon: cell.horizon,
        workers: work.pool.workers,
      }),
      pipeline: dataset.manifest.pipeline,
      runId: run.id,
      config: work.config,
      versions: work.versions,
      synthetic: dataset.manifest.pipeline?.synthetic ?? false,
    },
  });
  try {
    if (model.calibrates) requireCalibratable(work);
    const metrics = await fitPlan(model, work);
    clock.lap("fit");
    const { combinedOn } = model;
    const raw = combinedOn === null ? await model.answer(fresh) : new Float32Array(combinedOn.p);
    const prior = priorOf(labelsOf(dataset, cell.horizon, work.plan.train));
    const calibration = await calibrated(model, work, { fresh, raw, prior });
    if (calibration !== null) clock.lap("calibrate");
    const answers = { rows: fresh.rows, raw, calibration, combinedOn };
    const decision = await fitDecision(sourceOf(work), answers, work.decision);
    await model.decideBy(decision.decision);
    clock.lap("decide");
    stage(work, "export", "exporting, checking against Node");
    const paths = pathsOf(cell, run);
    await model.save(join(run.dir, paths.bundle));
    clock.lap("export");
    const served = await loadModel(join(run.dir, paths.bundle));
    try {
      return await judge(work, { model, metrics, served, calibration, decision, paths, clock });
    } catch (error) {
      await served.close();
      throw error;
    }
  } finally {
    await model.dispose();
  }
}

/** An ensemble combines on the `calibrate` rows. */
function ensembleOn(work: CellWork, X: FeatureView): { ensemble?: EnsembleSettings } {
  const { ensemble, run, cell, dataset } = work;
  if (ensemble === undefined) return {};
  const [y, weights] = [labelsOf(dataset, cell.horizon, X.rows), weightsOf(dataset, cell.horizon, X.rows)];
  return { ensemble: { ...ensemble, fresh: { X, y, weights }, keepDir: join(run.dir, CHECKPOINTS_FOLDER, cell.job) } };
}

/** Outside of the work folder, which does not outlive an interrupted run. */
function checkpointsOf({ definition, run, cell }: CellWork): { checkpointDir?: string } {
  if (definition.capabilities.input !== "sequence") return {};
  const checkpointDir = join(run.dir, CHECKPOINTS_FOLDER, cell.job);
  mkdirSync(checkpointDir, { recursive: true });
  return { checkpointDir };
}

interface Fitted {
  model: TrainableModel;
  metrics: TrainingMetrics;
  served: ServedModel;
  /** Null where none was asked for, or the model's bundle can hold none. */
  calibration: Calibration | null;
  decision: FittedDecision;
  paths: { bundle: string; report: string; predictions: string };
  clock: ReturnType<typeof stopwatch>;
}

/** The bundle's answers in Node, on every part that is open: predictions file, importance, report. */
async function judge(
  work: CellWork,
  { model, metrics, served, calibration, decision, paths, clock }: Fitted,
): Promise<CellResult> {
  const { run, cell, dataset, plan } = work;
  stage(work, "evaluate", "predicting in Node");
  work.openings?.record(cell.job);
  const said = await answerParts(served, dataset, partsOf(plan, work.openings !== null), work.signal);
  const scored = said.map((answer) =>
    answer.part === "val_calibrate" ? unseen(answer, calibration, model.combinedOn) : answer,
  );
  const answers = decidedAnswers(scored, decision, sourceOf(work));
  await writeAnswers(join(run.dir, paths.predictions), dataset, cell.horizon, answers);
  clock.lap("predict");
  const importance = await importanceOf(work, model.details(), served);
  clock.lap("importance");
  const details = model.details();
  const seconds = clock.laps;
  const reportData = reportOf(work, { metrics, details, calibration, decision, answers, importance, seconds });
  const text = encodeReport(reportData);
  // The bundle holds all that is needed from here on.
  rmSync(join(run.dir, CHECKPOINTS_FOLDER, cell.job), { recursive: true, force: true });
  writeFileAtomic(join(run.dir, paths.report), text);
  if (run.file.jobs.length === 1) writeFileAtomic(join(run.dir, "reports", `${cell.model}_report.json`), text);
  const { metrics: own, prior } = reportData.validation.calibrate;
  const summary = `calibrate log-loss ${own.log_loss.toFixed(4)} (prior ${prior.metrics.log_loss.toFixed(4)})`;
  return { ...paths, reportData, metrics, model: served, summary };
}

async function fitPlan(model: TrainableModel, work: CellWork): Promise<TrainingMetrics> {
  const { dataset, plan, cell, onEvent, signal, definition } = work;
  const { horizon, job } = cell;
  stage(work, "fit", `${definition.id} on ${plan.train.length} rows × ${dataset.manifest.features.length} features`);
  const progress = ({ step, total, metrics }: FitProgress): void =>
    onEvent?.({ event: "progress", job, stage: "fit", step, total, metrics });
  return model.fit(
    viewOf(dataset, plan.train),
    labelsOf(dataset, horizon, plan.train),
    viewOf(dataset, plan.stop),
    labelsOf(dataset, horizon, plan.stop),
    {
      sampleWeights: weightsOf(dataset, horizon, plan.train),
      onProgress: progress,
      ...(signal === undefined ? {} : { signal }),
    },
  );
}

/** Before the fit, which would be for nothing. */
function requireCalibratable({ dataset, plan, cell, calibration }: CellWork): void {
  if (calibration === "none" || calibration === "auto") return;
  requireTwoClasses(
    labelsOf(dataset, cell.horizon, plan.calibrate),
    priorOf(labelsOf(dataset, cell.horizon, plan.train)),
  );
}

/** Chooses the calibrator on the `calibrate` rows and gives it to the model. */
async function calibrated(
  model: TrainableModel,
  work: CellWork,
  { fresh, raw, prior }: { fresh: FeatureView; raw: Float32Array; prior: ClassShares },
): Promise<Calibration | null> {
  const { dataset, cell, calibration: setting } = work;
  if (setting === "none" || !model.calibrates) return null;
  stage(work, "calibrate", `on ${fresh.rows.length} rows that the fit did not use`);
  const { combinedOn } = model;
  const calibration =
    combinedOn === null
      ? calibrationOn(dataset, cell.horizon, fresh.rows, raw, { setting, prior })
      : await calibrationAfter(combinedOn, { dataset, horizon: cell.horizon, setting, prior });
  await model.calibrate(calibration.calibrator);
  return calibration;
}

/** Calibrator and combination have seen the labels of these rows: what stands for them is said by those of folds that had not. */
function unseen(answer: PartAnswers, calibration: Calibration | null, combinedOn: CombinedOn | null): PartAnswers {
  const calibrated = calibration !== null && calibration.calibrator.kind !== "none" ? calibration.crossFitted : null;
  const p = calibrated ?? combinedOn?.p;
  return p === undefined ? answer : { ...answer, output: toOutput(Float32Array.from(p)) };
}

/** Relative to the run; job names are made of checked ids. */
function pathsOf({ job }: GridCell, run: Run): { bundle: string; report: string; predictions: string } {
  const paths = {
    bundle: `models/${job}`,
    report: `reports/${job}_report.json`,
    predictions: `predictions/${job}.parquet`,
  };
  for (const path of Object.values(paths)) pathUnder(run.dir, path);
  return paths;
}

function partsOf(plan: HoldoutPlan, test: boolean) {
  return [
    { part: "val_stop" as const, rows: plan.stop },
    { part: "val_calibrate" as const, rows: plan.calibrate },
    ...(test ? [{ part: "test" as const, rows: plan.test }] : []),
  ];
}

/** The engine's own importance; else how much worse the served model gets on `stop` rows when a feature is shuffled. */
async function importanceOf(
  { dataset, plan, cell, seed, signal, definition }: CellWork,
  { engine, nativeDir }: FitDetails,
  served: ServedModel,
): Promise<{ kind: string; values: Record<string, number> }> {
  const { features } = dataset.manifest;
  if (engine?.importance && nativeDir !== null) {
    const values = readNpy(join(nativeDir, engine.importance.file), "<f8").data;
    return { kind: engine.importance.kind, values: Object.fromEntries(features.map((name, f) => [name, values[f]!])) };
  }
  // Of a fit on the stop rows too, the calibrate rows are those that it has not seen.
  const fresh = plan.stop.length > 0 ? plan.stop : plan.calibrate;
  const rows = sampleRows(fresh, definition.capabilities.importanceRows ?? IMPORTANCE_ROWS, seed);
  const { seqLen } = served;
  const y = labelsOf(dataset, cell.horizon, rows);
  const X =
    seqLen === null ? await dataset.readRows(rows) : await readWindows(viewOf(dataset, rows), all(rows), seqLen);
  const sample = { X, y, features, seqLen };
  const predict = async (data: Float32Array, n: number): Promise<Float32Array> => {
    const shape = seqLen === null ? ([n, features.length] as const) : ([n, seqLen, features.length] as const);
    return (await served.predict({ data, shape, featureNames: features })).probabilities;
  };
  const values = await permutationImportance(sample, predict, { seed, ...(signal === undefined ? {} : { signal }) });
  return { kind: "permutation", values };
}

const all = (rows: Int32Array): Int32Array => rows.map((_, i) => i);

function stage({ cell, signal, onEvent }: CellWork, name: string, message: string): void {
  throwIfAborted(signal);
  onEvent?.({ event: "stage", job: cell.job, stage: name, message });
}

function stopwatch(): { laps: Record<string, number>; lap(name: string): void } {
  const laps: Record<string, number> = {};
  let start = performance.now();
  return {
    laps,
    lap: (name) => {
      const now = performance.now();
      laps[name] = (now - start) / 1000;
      start = now;
    },
  };
}
