import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Run, WORK_FOLDER } from "../../artifacts/index.js";
import type { EnginePool } from "../../engine/index.js";
import { pathUnder } from "../../files/index.js";
import { type ModelDefinition, pluginOf } from "../../models/index.js";
import type { StoredDataset } from "../../types/index.js";
import { type FoldAnswer, type FoldRows, fitFold, foldName, rowsOfFold } from "../cv/fold.js";
import { keepFold, keptFold } from "../cv/kept.js";
import type { AnsweredFold } from "../cv/oof.js";
import type { CvPlan, PlannedFold } from "../cv/plan.js";
import type { EnsembleSettings } from "../ensemble/index.js";
import { engineSource } from "../fitDigest.js";
import type { GridCell } from "../grid.js";
import type { ModelOrigin } from "../origin.js";
import { digestOf, type StudyIdentity } from "./identity.js";
import type { Reporter } from "./reporter.js";
import type { Sections } from "./space.js";

/** What all trials of a study have in common. */
export interface TrialContext {
  run: Run;
  cell: GridCell;
  definition: ModelDefinition;
  /** Of an ensemble: what a trial's settings make of its parts. */
  ensembleOf: (sections: Sections) => EnsembleSettings | undefined;
  dataset: StoredDataset;
  plan: CvPlan;
  /** All folds are fitted once for each. */
  seeds: readonly number[];
  device: "cpu" | "cuda";
  origin: ModelOrigin;
  pool: EnginePool;
  /** Folder of the folds that trials have finished. */
  keepDir: string;
  /** Most rounds or epochs of a fold: step = fold × rounds + round, that of the last for what the fold came to. 1 for models without. */
  rounds: number;
  /** The stop loss is reported after so many rounds each. */
  every: number;
  /** +1, or −1 where a greater value of the metric is the better one: reported values then are losses with the sign turned. */
  sign: 1 | -1;
}

/** One fit of a trial: a fold with one of the seeds. */
interface Task {
  fold: PlannedFold;
  rows: FoldRows;
  seed: number;
  repeat: number;
}

/** Every fit of a trial. */
export interface TrialPlan {
  tasks: readonly Task[];
}

export function planTrial({ definition, dataset, plan, seeds }: TrialContext): TrialPlan {
  const rows = plan.folds.map((fold) => rowsOfFold({ definition, dataset, plan }, fold));
  return {
    tasks: seeds.flatMap((seed, repeat) => plan.folds.map((fold, i) => ({ fold, rows: rows[i]!, seed, repeat }))),
  };
}

export interface TrialRun {
  /** Names its work files and its lines in the log: `t3`. */
  name: string;
  sections: Sections;
  /** In which the fits are done; as planned by default. The value of a trial that is completed does not depend on it. */
  order?: readonly number[] | undefined;
  /** Gets intermediate values; null: nothing is pruned, and nobody listens. */
  reporter: Reporter | null;
  /** Fires when the trial is pruned or the call is interrupted. */
  signal: AbortSignal;
  /** Share of the trial that is done. */
  onShare?: ((share: number) => void) | undefined;
}

/** All folds of a trial, or null where it was pruned. */
export async function runTrial(
  context: TrialContext,
  { tasks }: TrialPlan,
  { name, sections, order = [...tasks.keys()], reporter, signal, onShare }: TrialRun,
): Promise<{ folds: AnsweredFold[]; kept: number } | null> {
  const folder = trialFolder(context, sections);
  const ensemble = context.ensembleOf(sections);
  const folds: AnsweredFold[] = [];
  let kept = 0;
  for (const [done, i] of order.entries()) {
    const task = tasks[i]!;
    const begin = i * context.rounds;
    const tell = (round: number, loss: number): void => {
      // The last step is the whole fold's.
      if (round < context.rounds) reporter?.tell(begin + round, context.sign * loss);
    };
    const file = foldName(task.seed, task.fold.fold);
    let answer = keptFold(folder, file, task.rows);
    if (answer !== null) {
      kept++;
      for (const [round, loss] of answer.curve) tell(round, loss);
    } else {
      try {
        answer = await fitTask(context, task, {
          name,
          sections,
          ensemble,
          signal,
          tell,
          share: (share) => onShare?.((done + share) / tasks.length),
        });
      } catch (error) {
        await reporter?.settled();
        if (reporter !== null && reporter.prunedAt !== null) return null;
        throw error;
      }
      keepFold(folder, file, task.rows, answer);
    }
    const end = [begin + context.rounds, context.sign * answer.facts.test_scores.log_loss] as const;
    // With nothing left to do, nothing is saved by ending the trial.
    if (done < tasks.length - 1) reporter?.tell(...end);
    else reporter?.keep(...end);
    await reporter?.settled();
    if (reporter !== null && reporter.prunedAt !== null) return null;
    folds[i] = { fold: task.fold, repeat: task.repeat, answer };
    onShare?.((done + 1) / tasks.length);
  }
  return { folds, kept };
}

/** The folds of a trial that was finished before; null where one of them is not kept, or is damaged. */
export function keptTrial(context: TrialContext, { tasks }: TrialPlan, sections: Sections): AnsweredFold[] | null {
  const folder = trialFolder(context, sections);
  const folds: AnsweredFold[] = [];
  for (const { fold, rows, seed, repeat } of tasks) {
    const answer = keptFold(folder, foldName(seed, fold.fold), rows);
    if (answer === null) return null;
    folds.push({ fold, repeat, answer });
  }
  return folds;
}

async function fitTask(
  context: TrialContext,
  { fold, rows, seed }: Task,
  {
    name,
    sections,
    ensemble,
    signal,
    tell,
    share,
  }: Pick<TrialRun, "name" | "sections" | "signal"> & {
    ensemble: EnsembleSettings | undefined;
    tell: (round: number, loss: number) => void;
    share: (share: number) => void;
  },
): Promise<FoldAnswer> {
  const { run, cell, definition, dataset, plan, device, origin, pool } = context;
  const own = { ...cell, job: `${cell.job}_${name}` };
  try {
    return await fitFold({
      run,
      cell: own,
      definition,
      ...(ensemble === undefined ? {} : { ensemble }),
      settings: sections,
      dataset,
      plan,
      fold,
      rows,
      seed,
      device,
      origin,
      pool,
      turn: (work) => work(),
      reportEvery: context.every,
      answersOnly: true,
      // Epochs before a checkpoint would not be reported again: the study would depend on when it was killed.
      checkpoints: false,
      signal,
      onProgress: ({ step, total }) => share(Math.min(0.99, step / total)),
      onRound: tell,
    });
  } finally {
    rmSync(join(run.dir, WORK_FOLDER, own.job), { recursive: true, force: true });
  }
}

/**
 * Where a configuration's folds are kept: two trials that would be fitted alike share it. What a plug-in does is not known from its
 * settings, so that its folds are its own run's.
 */
function trialFolder(context: TrialContext, sections: Sections): string {
  return pathUnder(context.keepDir, trialDigest(context, sections));
}

function trialDigest(context: TrialContext, { model_params, training }: Sections): string {
  const { definition, device, origin, run, pool } = context;
  const sorted = (values: Record<string, unknown>) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const threads = definition.family === "boosting" ? null : pool.threadsPerWorker;
  const parts = context.ensembleOf({ model_params, training });
  const made = [parts?.bases, parts?.secondLayer, parts?.meta].map((some) =>
    [some ?? []].flat().map((part) => [part.definition.id, sorted(part.model_params), sorted(part.training)]),
  );
  return digestOf([
    definition.id,
    sorted(model_params),
    sorted(training),
    made,
    device,
    threads,
    Object.entries(origin.versions).sort(([a], [b]) => (a < b ? -1 : 1)),
    engineSource(),
    pluginOf(definition) === null ? null : run.id,
  ]);
}

/** What the folds are made of, for the study's identity. */
export function foldsDigest({
  plan,
  seeds,
}: Pick<TrialContext, "plan" | "seeds">): Pick<StudyIdentity, "folds" | "seeds"> {
  const { scheme, embargo, rows, folds } = plan;
  const sets = folds.map(({ train, test }) => [
    train.length,
    train[0],
    train.at(-1),
    test.length,
    test[0],
    test.at(-1),
  ]);
  return { folds: digestOf([scheme, embargo, rows.length, sets]), seeds: digestOf(seeds) };
}
