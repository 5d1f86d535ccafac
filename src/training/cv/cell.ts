import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { CHECKPOINTS_FOLDER, type Run } from "../../artifacts/index.js";
import type { EnginePool } from "../../engine/index.js";
import type { RepeatedAnswers, RepeatedRows } from "../../evaluation/index.js";
import { pathUnder, writeFileAtomic } from "../../files/index.js";
import { averageUniqueness, labelDurations } from "../../labels/index.js";
import type { ModelDefinition } from "../../models/index.js";
import { buildCvReport, type CvReport, encodeCvReport } from "../../report/index.js";
import { type OnEvent, type StoredDataset, throwIfAborted } from "../../types/index.js";
import { groupRows } from "../../validation/index.js";
import type { CellOutcome, GridCell } from "../grid.js";
import type { ModelOrigin } from "../origin.js";
import { labelsOf } from "../rows.js";
import { fitFold, foldName } from "./fold.js";
import { FOLDS_FOLDER, keepFold, keptFold } from "./kept.js";
import { type AnsweredFold, writeOof } from "./oof.js";
import type { CvPlan, PlannedFold } from "./plan.js";

/** One job of a cross-validation, with every decision made. */
export interface CvWork {
  run: Run;
  cell: GridCell;
  definition: ModelDefinition;
  settings: { model_params: Record<string, unknown>; training: Record<string, unknown>; preset: string };
  dataset: StoredDataset;
  plan: CvPlan;
  /** All folds are fitted once for each. */
  seeds: readonly number[];
  device: "cpu" | "cuda";
  origin: ModelOrigin;
  versions: Record<string, string>;
  notices: readonly string[];
  pool: EnginePool;
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

interface Task {
  fold: PlannedFold;
  seed: number;
  repeat: number;
}

/** Fits and answers every fold, those of an interrupted run that are kept excepted, and writes answers and report. */
export async function cvCell(work: CvWork): Promise<CellOutcome> {
  const { run, cell, dataset, plan, seeds } = work;
  const paths = { report: `reports/${cell.job}_cv.json`, predictions: `oof/${cell.job}.parquet` };
  for (const path of Object.values(paths)) pathUnder(run.dir, path);
  const folds = await answerFolds(work);
  throwIfAborted(work.signal);
  await writeOof(join(run.dir, paths.predictions), dataset, cell.horizon, folds);
  const report = reportOf(work, folds);
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
  const { run, cell, plan, seeds, pool, signal, onEvent } = work;
  const tasks = seeds.flatMap((seed, repeat) => plan.folds.map((fold): Task => ({ fold, seed, repeat })));
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
  const lane = async (): Promise<void> => {
    for (const [i, task] of next) {
      if (failed !== undefined || signal?.aborted) return;
      try {
        answered[i] = await answerFold(work, task, (share, metrics) => tell(i, share, metrics));
        tell(i, 1);
      } catch (cause) {
        failed ??= { cause };
      }
    }
  };
  const kept = tasks.filter(
    ({ fold, seed }) => keptFold(run, cell.job, foldName(seed, fold.fold), fold) !== null,
  ).length;
  const message = `${tasks.length} fits${kept === 0 ? "" : `, ${kept} of them kept from before`}`;
  onEvent?.({ event: "stage", job: cell.job, stage: "folds", message });
  await Promise.all(Array.from({ length: Math.min(pool.workers, tasks.length) }, lane));
  if (failed !== undefined) throw failed.cause;
  throwIfAborted(signal);
  return answered;
}

/** Steps of the progress bar that a fold is. */
const PER_FOLD = 100;

async function answerFold(
  work: CvWork,
  { fold, seed, repeat }: Task,
  tell: (share: number, metrics: Record<string, number>) => void,
): Promise<AnsweredFold> {
  const { run, cell } = work;
  const name = foldName(seed, fold.fold);
  const kept = keptFold(run, cell.job, name, fold);
  if (kept !== null) return { fold, repeat, answer: kept };
  const answer = await fitFold({
    ...work,
    fold,
    seed,
    onProgress: ({ step, total, metrics }) => tell(Math.min(0.99, step / total), metrics),
  });
  keepFold(run, cell.job, name, fold, answer);
  return { fold, repeat, answer };
}

function reportOf(work: CvWork, folds: readonly AnsweredFold[]): CvReport {
  const { run, cell, definition, settings, dataset, plan, seeds } = work;
  const { manifest } = dataset;
  const warnings = folds.flatMap(({ answer }) => answer.facts.warnings);
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
    embargo: plan.embargo,
    rows: {
      used: plan.rows.length,
      unlabelled: plan.lost.unlabelled,
      windowless: plan.lost.windowless,
      reaching_test: plan.lost.reachingTest,
    },
    folds: folds.map(({ answer }) => answer.facts),
    scored: repeatedRows(work, folds),
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

/** The answers put together to whole repeats: of each seed all folds, of CPCV each of its paths. */
function repeatedRows({ dataset, cell, plan, seeds }: CvWork, folds: readonly AnsweredFold[]): RepeatedRows {
  const tested = [...new Set(plan.folds.flatMap(({ test }) => [...test]))].sort((a, b) => a - b);
  const rows = Int32Array.from(tested);
  const times = dataset.timestamps();
  const ends = dataset.labelEnds(cell.horizon);
  const uniqueness = averageUniqueness(times, ends, rows);
  const position = new Map(tested.map((row, i) => [row, i]));
  const repeats = seeds.flatMap((_, repeat) => {
    const ofSeed = folds.filter((each) => each.repeat === repeat);
    return piecesOf(plan).map((pieces) => {
      const answers: RepeatedAnswers = {
        p: new Float32Array(3 * rows.length),
        prior: new Float32Array(3 * rows.length),
      };
      for (const { fold, only } of pieces) place(answers, ofSeed[fold]!, only, position);
      return answers;
    });
  });
  return {
    y: labelsOf(dataset, cell.horizon, rows),
    repeats,
    uniqueness: Float32Array.from(rows, (row) => uniqueness[row]!),
    durations: labelDurations(times, ends, rows),
  };
}

/** Of each whole set of answers, which fold gives which rows; null: all that it tested. */
function piecesOf(plan: CvPlan): { fold: number; only: ReadonlySet<number> | null }[][] {
  if (plan.paths === null) return [plan.folds.map(({ fold }) => ({ fold, only: null }))];
  const [first = []] = plan.paths;
  const groups = groupRows(plan.rows, first.length).map((rows) => new Set(rows));
  return plan.paths.map((path) => path.map((fold, group) => ({ fold, only: groups[group]! })));
}

function place(
  { p, prior }: RepeatedAnswers,
  { fold, answer }: AnsweredFold,
  only: ReadonlySet<number> | null,
  position: ReadonlyMap<number, number>,
): void {
  fold.test.forEach((row, i) => {
    if (only !== null && !only.has(row)) return;
    const at = 3 * position.get(row)!;
    for (let k = 0; k < 3; k++) {
      p[at + k] = answer.p[3 * i + k]!;
      prior[at + k] = answer.facts.prior[k]!;
    }
  });
}
