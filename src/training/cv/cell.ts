import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { CHECKPOINTS_FOLDER, type Run } from "../../artifacts/index.js";
import type { SymbolMarket } from "../../config/index.js";
import type { EnginePool } from "../../engine/index.js";
import { pathUnder, writeFileAtomic } from "../../files/index.js";
import type { ModelDefinition } from "../../models/index.js";
import { buildCvReport, type CvReport, encodeCvReport } from "../../report/index.js";
import { type OnEvent, type StoredDataset, throwIfAborted } from "../../types/index.js";
import type { Turn } from "../engineModel.js";
import type { EnsembleSettings } from "../ensemble/index.js";
import type { CellOutcome, GridCell } from "../grid.js";
import type { ModelOrigin } from "../origin.js";
import { type FoldRows, fitFold, foldName, rowsOfFold } from "./fold.js";
import { FOLDS_FOLDER, foldsFolder, keepFold, keptFold } from "./kept.js";
import { type AnsweredFold, writeOof } from "./oof.js";
import type { CvPlan, PlannedFold } from "./plan.js";
import { rowsTested, testedRows } from "./repeats.js";
import { tradingOf } from "./trading.js";
import { Turns } from "./turns.js";

/** One job of a cross-validation, with every decision made. */
export interface CvWork {
  run: Run;
  cell: GridCell;
  definition: ModelDefinition;
  /** Of an ensemble: what it is made of. */
  ensemble?: EnsembleSettings | undefined;
  settings: { model_params: Record<string, unknown>; training: Record<string, unknown>; preset: string };
  dataset: StoredDataset;
  plan: CvPlan;
  /** All folds are fitted once for each. */
  seeds: readonly number[];
  /** Configurations that somebody says to have tried elsewhere. */
  priorTrials: number;
  /** Hours and costs, for a dataset that says nothing of them. */
  market: SymbolMarket;
  device: "cpu" | "cuda";
  origin: ModelOrigin;
  versions: Record<string, string>;
  notices: readonly string[];
  pool: EnginePool;
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
  /** Called once no fold needs a worker any more. */
  onFitted?: (() => void) | undefined;
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

interface Task {
  fold: PlannedFold;
  rows: FoldRows;
  seed: number;
  repeat: number;
}

/** Fits and answers every fold, those of an interrupted run that are kept excepted, and writes answers and report. */
export async function cvCell(work: CvWork): Promise<CellOutcome> {
  const { run, cell, dataset, plan, seeds } = work;
  const paths = { report: `reports/${cell.job}_cv.json`, predictions: `oof/${cell.job}.parquet` };
  for (const path of Object.values(paths)) pathUnder(run.dir, path);
  // Before the fits: hours that nobody can read must not come to light after them.
  const trading = tradingOf(dataset, cell, rowsTested(plan), work.market);
  const folds = await answerFolds(work);
  throwIfAborted(work.signal);
  work.onFitted?.();
  await writeOof(join(run.dir, paths.predictions), dataset, cell.horizon, folds);
  const report = cvReportOf(work, folds, trading);
  writeFileAtomic(join(run.dir, paths.report), encodeCvReport(report));
  // The two files hold all that is needed from here on.
  for (const folder of [FOLDS_FOLDER, CHECKPOINTS_FOLDER]) {
    rmSync(join(run.dir, folder, cell.job), { recursive: true, force: true });
    removeIfEmpty(join(run.dir, folder));
  }
  const { metrics, prior } = report.cv;
  const summary = `${plan.folds.length * seeds.length} fits, log-loss ${metrics.log_loss.toFixed(4)} (prior ${prior.log_loss.toFixed(4)})`;
  return { bundle: null, ...paths, summary };
}

/** All folds of all seeds, as many at a time as the pool has workers. One that fails ends the job; those at work end first. */
async function answerFolds(work: CvWork): Promise<AnsweredFold[]> {
  const { run, cell, definition, plan, seeds, pool, signal, onEvent } = work;
  const rows = plan.folds.map((fold) => rowsOfFold(work, fold));
  const tasks = seeds.flatMap((seed, repeat) =>
    plan.folds.map((fold, i): Task => ({ fold, rows: rows[i]!, seed, repeat })),
  );
  const answered: AnsweredFold[] = [];
  const shares = new Float64Array(tasks.length);
  const tell = (i: number, share: number, metrics: Record<string, number> = {}): void => {
    shares[i] = share;
    const done = shares.reduce((sum, each) => sum + each, 0);
    const step = Math.floor(PER_FOLD * done);
    onEvent?.({ event: "progress", job: cell.job, stage: "folds", step, total: PER_FOLD * tasks.length, metrics });
  };
  let failed: { cause: unknown } | undefined;
  const next = tasks.entries();
  const turns = new Turns(pool.workers);
  const turn: Turn = (work) => turns.take(work);
  const lane = async (): Promise<void> => {
    for (const [i, task] of next) {
      if (failed !== undefined || signal?.aborted) return;
      try {
        answered[i] = await answerFold({ ...work, ...task, turn }, (share, metrics) => tell(i, share, metrics));
        tell(i, 1);
      } catch (cause) {
        failed ??= { cause };
      }
    }
  };
  const kept = tasks.filter(
    (task) => keptFold(foldsFolder(run, cell.job), foldName(task.seed, task.fold.fold), task.rows) !== null,
  ).length;
  const message = `${tasks.length} fits${kept === 0 ? "" : `, ${kept} of them kept from before`}`;
  onEvent?.({ event: "stage", job: cell.job, stage: "folds", message });
  // One more than there are workers makes its fold ready while they fit: a worker that has fitted one gets the next at once,
  // and what is to be done with its answers is done beside that.
  const lanes = pool.workers + (definition.kind === "engine" ? 1 : 0);
  await Promise.all(Array.from({ length: Math.min(lanes, tasks.length) }, lane));
  if (failed !== undefined) throw failed.cause;
  throwIfAborted(signal);
  return answered;
}

/** Steps of the progress bar that a fold is. */
const PER_FOLD = 100;

async function answerFold(
  work: CvWork & Task & { turn: Turn },
  tell: (share: number, metrics: Record<string, number>) => void,
): Promise<AnsweredFold> {
  const { run, cell, fold, rows, seed, repeat } = work;
  const name = foldName(seed, fold.fold);
  const kept = keptFold(foldsFolder(run, cell.job), name, rows);
  if (kept !== null) return { fold, repeat, answer: kept };
  const answer = await fitFold({
    ...work,
    onProgress: ({ step, total, metrics }) => tell(Math.min(0.99, step / total), metrics),
  });
  keepFold(foldsFolder(run, cell.job), name, rows, answer);
  return { fold, repeat, answer };
}

/** The report of all folds together. */
export function cvReportOf(
  work: Omit<CvWork, "pool" | "ensemble" | "market" | "device" | "origin">,
  folds: readonly AnsweredFold[],
  trading: ReturnType<typeof tradingOf>,
): CvReport {
  const { run, cell, definition, settings, dataset, plan, seeds } = work;
  const { manifest } = dataset;
  const warnings = folds.flatMap(({ answer }) => answer.facts.warnings);
  const scored = testedRows(dataset, cell.horizon, plan, seeds.length, folds);
  return buildCvReport({
    model_name: definition.id,
    family: definition.family,
    symbol: cell.symbol,
    horizon: cell.horizon,
    synthetic: manifest.pipeline?.synthetic ?? false,
    run_id: run.id,
    created: new Date(),
    scheme: { ...plan.scheme, splits: plan.folds.length },
    seeds: [...seeds],
    prior_trials: work.priorTrials,
    embargo: plan.embargo,
    rows: {
      used: plan.rows.length,
      unlabelled: plan.lost.unlabelled,
      windowless: plan.lost.windowless,
      reaching_test: plan.lost.reachingTest,
    },
    folds: folds.map(({ answer }) => answer.facts),
    scored,
    trading,
    bootstrapSeed: seeds[0]!,
    data: {
      fingerprint: manifest.fingerprint,
      features: manifest.features.length,
      sources: manifest.sources.map(({ path }) => basename(path)),
    },
    configuration: { preset: settings.preset, model_params: settings.model_params, training: settings.training },
    versions: work.versions,
    warnings: [...new Set(warnings)],
    notices: [...work.notices, ...manifest.notices],
  });
}
