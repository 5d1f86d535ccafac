import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CHECKPOINTS_FOLDER, type Run, WORK_FOLDER } from "../../artifacts/index.js";
import { viewOf } from "../../data/index.js";
import type { EnginePool } from "../../engine/index.js";
import { classesIn, classificationMetrics, constantProbabilities, priorOf } from "../../evaluation/index.js";
import type { ModelDefinition } from "../../models/index.js";
import type { FoldReport } from "../../report/index.js";
import { type FitProgress, gather, type StoredDataset } from "../../types/index.js";
import { type StopSlice, stopSlice } from "../../validation/index.js";
import type { Turn } from "../engineModel.js";
import type { EnsembleSettings } from "../ensemble/index.js";
import type { GridCell } from "../grid.js";
import { trainable } from "../model.js";
import type { ModelOrigin } from "../origin.js";
import { labelsOf, weightsOf } from "../rows.js";
import type { CvPlan, PlannedFold } from "./plan.js";

/** One fold of one job, with every decision made. */
export interface FoldWork {
  run: Run;
  cell: GridCell;
  definition: ModelDefinition;
  /** Of an ensemble: what it is made of. */
  ensemble?: EnsembleSettings | undefined;
  settings: { model_params: Record<string, unknown>; training: Record<string, unknown> };
  dataset: StoredDataset;
  plan: CvPlan;
  fold: PlannedFold;
  /** `rowsOfFold`. */
  rows: FoldRows;
  seed: number;
  device: "cpu" | "cuda";
  origin: ModelOrigin;
  pool: EnginePool;
  /** See `EngineFitSettings`. */
  turn: Turn;
  /** The stop loss of every so many rounds is told and kept, whatever the clock says; none by default. */
  reportEvery?: number | undefined;
  /** Whether the fit is for its answers alone: then an engine tells nothing of its training rows, and takes less time. */
  answersOnly?: boolean | undefined;
  /** Whether a sequence model keeps its state after each epoch, to go on from after a kill; it does by default. */
  checkpoints?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: FitProgress) => void) | undefined;
  /** Gets each point of the curve as soon as it is known. */
  onRound?: ((round: number, stopLoss: number) => void) | undefined;
}

/** What a fold has to say. */
export interface FoldAnswer {
  facts: FoldReport;
  /** (test rows, 3), columns −1, 0, 1. */
  p: Float32Array;
  /** Round, from 1, and the log-loss of the stop rows; see `reportEvery`. */
  curve: readonly (readonly [number, number])[];
}

/** `s{seed}_f{fold}`: a fold's name within its job. */
export const foldName = (seed: number, fold: number): string => `s${seed}_f${fold}`;

/** Every row on which a fold's answers depend; `fit` and `stop` are of its training rows. */
export interface FoldRows extends StopSlice {
  /** Of the dataset: what its row numbers mean. */
  fingerprint: string;
  train: Int32Array;
  test: Int32Array;
}

/** To stop the fit by, or, for an ensemble, also to combine on: the later half of them. */
const needsStopRows = ({ kind, capabilities }: ModelDefinition): boolean =>
  kind === "ensemble" || capabilities.earlyStopping;

/** A model that does not stop early fits on all training rows. */
export function rowsOfFold(
  { definition, dataset, plan }: Pick<FoldWork, "definition" | "dataset" | "plan">,
  { train, test }: PlannedFold,
): FoldRows {
  const slice = needsStopRows(definition)
    ? stopSlice(plan, train)
    : { fit: train, stop: new Int32Array(0), purged: 0, embargoed: 0 };
  return { fingerprint: dataset.manifest.fingerprint, train, test, ...slice };
}

/**
 * Fits a model on the fold's own rows (imputer, scaler and weights are those of these rows), stops it by the fold's own
 * slice, and answers for the tested rows by the native model.
 */
export async function fitFold(work: FoldWork): Promise<FoldAnswer> {
  const { run, cell, definition, dataset, fold, rows, seed, pool, signal } = work;
  const start = performance.now();
  let waited = 0;
  const name = foldName(seed, fold.fold);
  const workDir = join(run.dir, WORK_FOLDER, cell.job, name);
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  const tested = viewOf(dataset, fold.test);
  const model = trainable(definition, {
    pool,
    ...(work.ensemble === undefined ? {} : { ensemble: work.ensemble }),
    foreseen: tested,
    answersOnly: work.answersOnly === true,
    turn: (it) => {
      const ready = performance.now();
      return work.turn(() => {
        waited = performance.now() - ready;
        return it();
      });
    },
    ...work.settings,
    ...(work.reportEvery === undefined ? {} : { reportEvery: work.reportEvery }),
    seed,
    device: work.device,
    workDir,
    rowsDir: join(run.dir, WORK_FOLDER, "rows"),
    ...checkpointsOf(work, name),
    label: `${cell.job} fold ${fold.fold + 1}`,
    signal,
    origin: work.origin,
  });
  try {
    const y = (of: Int32Array): Int8Array => labelsOf(dataset, cell.horizon, of);
    const curve: [number, number][] = [];
    const metrics = await model.fit(viewOf(dataset, rows.fit), y(rows.fit), viewOf(dataset, rows.stop), y(rows.stop), {
      sampleWeights: weightsOf(dataset, cell.horizon, rows.fit),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (progress) => {
        const { step, metrics } = progress;
        const loss = metrics.stop_loss;
        if (work.reportEvery !== undefined && loss !== undefined && step % work.reportEvery === 0) {
          curve.push([step, loss]);
          work.onRound?.(step, loss);
        }
        work.onProgress?.(progress);
      },
    });
    const p = await model.answer(tested);
    const { engine, trainedClasses, windows, warnings } = model.details();
    const fitted = windows === null ? rows.fit : gather(rows.fit, windows.train, new Int32Array(windows.train.length));
    // Of all training rows, those to stop by included: so that the prior is the same for every model.
    const prior = priorOf(y(fold.train));
    const facts: FoldReport = {
      fold: fold.fold,
      seed,
      groups: fold.groups ?? null,
      fit: spanOf(dataset, fitted),
      stop: needsStopRows(definition) ? spanOf(dataset, rows.stop) : null,
      test: spanOf(dataset, fold.test),
      purged: fold.purged,
      embargoed: fold.embargoed,
      stop_purged: rows.purged,
      stop_embargoed: rows.embargoed,
      trained_classes: [...trainedClasses],
      prior,
      best_epoch: metrics.bestEpoch,
      total_epochs: metrics.totalEpochs,
      early_stopped: metrics.earlyStopped,
      train_loss: finite(metrics.trainLoss),
      stop_loss: finite(metrics.valLoss),
      test_scores: scoresOf(y(fold.test), p, prior),
      quantised: engine?.quantised ?? null,
      seconds: (performance.now() - start - waited) / 1000,
      warnings: [...(engine?.warnings ?? warnings ?? [])],
    };
    return { facts, p, curve };
  } finally {
    await model.dispose();
  }
}

/** Outside of the work folder, which does not outlive an interrupted run. */
function checkpointsOf(
  { definition, run, cell, checkpoints = true }: FoldWork,
  name: string,
): { checkpointDir?: string } {
  if (definition.capabilities.input !== "sequence" || !checkpoints) return {};
  const checkpointDir = join(run.dir, CHECKPOINTS_FOLDER, cell.job, name);
  mkdirSync(checkpointDir, { recursive: true });
  return { checkpointDir };
}

function scoresOf(y: Int8Array, p: Float32Array, prior: [number, number, number]): FoldReport["test_scores"] {
  const metrics = classificationMetrics(y, p);
  const severalClasses = classesIn(y).length > 1;
  return {
    log_loss: metrics.logLoss,
    brier: metrics.brier,
    accuracy: metrics.accuracy,
    f1: severalClasses ? metrics.f1 : null,
    mcc: severalClasses ? metrics.mcc : null,
    prior_log_loss: classificationMetrics(y, constantProbabilities(prior, y.length)).logLoss,
  };
}

function spanOf(dataset: StoredDataset, rows: Int32Array): FoldReport["test"] {
  const times = dataset.timestamps();
  const iso = (row: number | undefined): string | null =>
    row === undefined ? null : new Date(times[row]! / 1000).toISOString();
  return { rows: rows.length, from: iso(rows[0]), to: iso(rows.at(-1)) };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
