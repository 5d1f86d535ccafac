import type { Run } from "../artifacts/index.js";
import { toFoldwiseError } from "../files/index.js";
import { FoldwiseError, type OnEvent } from "../types/index.js";

/** One model on one symbol at one horizon. */
export interface GridCell {
  job: string;
  model: string;
  symbol: string;
  horizon: number;
}

/** What a cell leaves in the run, relative to its folder. */
export interface CellOutcome {
  /** Null where the job leaves no model: of `cv`. */
  bundle: string | null;
  report: string;
  predictions: string;
  /** A few words for the summary: the calibrate log-loss, the verdict. */
  summary: string;
}

/** Does a cell's job. It calls `fitted` once it needs no worker any more, so that the next cell begins while this one is judged. */
export type CellWorker = (
  cell: GridCell,
  context: { signal: AbortSignal | undefined; fitted: () => void },
) => Promise<CellOutcome>;

export interface GridOptions {
  /** Cells that fit at the same time, the pool's workers; beside each of them one more may be judged. */
  concurrency: number;
  signal?: AbortSignal;
  onEvent?: OnEvent;
  /** Called when `run.json` could not be written: cells that wait for others are not to wait any more. */
  onBroken?: (cause: unknown) => void;
  /** Called when no cell is at work any more and before others may take the run over: what it removes may be theirs afterwards. */
  cleanUp?: () => Promise<void>;
}

/** `{model}_{SYMBOL}_h{H}`: the name of a cell's folder, files and progress lines. */
export const jobName = (model: string, symbol: string, horizon: number): string => `${model}_${symbol}_h${horizon}`;

/**
 * Every combination, ordered so that neighbours share what is costly: a symbol's rows, then a model's quantised rows over
 * its horizons. Throws `usage.duplicate_job` where two cells would have one name.
 */
export function planGrid(
  models: readonly string[],
  symbols: readonly string[],
  horizons: readonly number[],
): GridCell[] {
  const cells = symbols.flatMap((symbol) =>
    models.flatMap((model) =>
      horizons.map((horizon) => ({ job: jobName(model, symbol, horizon), model, symbol, horizon })),
    ),
  );
  refuseSameNames(cells);
  return cells;
}

/** Model a on B_C and model a_B on C have one name, and some disks do not tell a from A: one would overwrite the other. */
function refuseSameNames(cells: readonly GridCell[]): void {
  const seen = new Map<string, GridCell>();
  for (const cell of cells) {
    const key = cell.job.toLowerCase();
    const other = seen.get(key);
    if (other === undefined) {
      seen.set(key, cell);
      continue;
    }
    const words = ({ model, symbol, horizon }: GridCell): string => `${model} on ${symbol} at horizon ${horizon}`;
    throw new FoldwiseError(
      "usage.duplicate_job",
      `${words(other)} and ${words(cell)} would write the same files, ${cell.job}.`,
      {
        remedy:
          "Name each model, symbol and horizon once, and train those whose names run together in runs of their own.",
        details: { jobs: [other, cell] },
      },
    );
  }
}

/**
 * Runs the cells that the run does not count as succeeded. A lane fits one while it judges the one before:
 *
 *   fit A ─► judge A
 *            fit B ────► judge B
 *
 * Each outcome is in `run.json` before the next but one starts. One failure does not stop the rest. An abort marks what was
 * running as interrupted and is thrown as `interrupted.*`.
 */
export async function runGrid(run: Run, work: CellWorker, options: GridOptions): Promise<void> {
  const pending = run.file.jobs.filter((job) => job.status !== "succeeded");
  const next = pending.values();
  // run.json could not be written. No lane takes a new cell then, but none is left at work behind the caller's back.
  let broken: { cause: unknown } | undefined;
  const lane = async (): Promise<void> => {
    let judged = Promise.resolve();
    for (const { job, model, symbol, horizon } of next) {
      if (broken !== undefined || options.signal?.aborted) break;
      const before = judged;
      await new Promise<void>((fitted) => {
        judged = runCell(run, { job, model, symbol, horizon }, work, { ...options, fitted })
          .catch((cause: unknown) => {
            broken ??= { cause };
            options.onBroken?.(cause);
          })
          .finally(fitted);
      });
      await before;
    }
    await judged;
  };
  try {
    await Promise.all(Array.from({ length: Math.min(options.concurrency, pending.length) }, lane));
    await options.cleanUp?.();
    if (broken !== undefined) throw broken.cause;
    const finished = run.file.jobs.every((job) => job.status === "succeeded");
    if (options.signal?.aborted && !finished) {
      run.update({ status: "interrupted", process: null });
      throw new FoldwiseError("interrupted.run", `Run ${run.id} was interrupted; what is finished is kept.`, {
        remedy: `Continue with: ${run.resumeCommand}`,
      });
    }
    run.update({ status: finished ? "succeeded" : "failed", process: null });
  } finally {
    run.release();
  }
}

async function runCell(
  run: Run,
  cell: GridCell,
  work: CellWorker,
  { signal, onEvent, fitted }: GridOptions & { fitted: () => void },
): Promise<void> {
  const { job, model, symbol, horizon } = cell;
  run.updateJob(job, { status: "running", error: null });
  onEvent?.({ event: "job_started", job, model, symbol, horizon });
  const start = performance.now();
  try {
    const { bundle, report, predictions, summary } = await work(cell, { signal, fitted });
    const seconds = (performance.now() - start) / 1000;
    run.updateJob(job, { status: "succeeded", seconds, bundle, report, predictions });
    onEvent?.({ event: "job_finished", job, status: "succeeded", message: summary });
  } catch (cause) {
    if (signal?.aborted) {
      run.updateJob(job, { status: "interrupted" });
      return;
    }
    const { code, message, remedy } = toFoldwiseError(cause);
    // A defect of ours must not end the other cells; its stack is for whoever mends it.
    if (code === "engine.unexpected") run.logEvent({ event: "defect", job, stack: stackOf(cause) });
    run.updateJob(job, { status: "failed", error: { code, message, remedy: remedy ?? null } });
    onEvent?.({ event: "job_finished", job, status: "failed", message });
  }
}

const stackOf = (cause: unknown): string => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
