import { join } from "node:path";
import { DEFAULT_RUNS, type Run } from "../../artifacts/index.js";
import { timeoutMs } from "../../config/index.js";
import { makeFolder, pathUnder, readRegular, writeFileAtomic } from "../../files/index.js";
import type { TuningReport } from "../../report/index.js";
import { FoldwiseError, throwIfAborted } from "../../types/index.js";
import { resolveCall, type TrainCall, type TrainRunRequest } from "../call.js";
import { planCv } from "../cv/plan.js";
import { planGrid } from "../grid.js";
import { embargoOf, holdoutOf, longestWindow, type OpenSymbolsOptions, openSymbols } from "../opened.js";
import { startPool } from "../ownPool.js";
import { folderOf, type ResumeRequest, reopen } from "../reopen.js";
import { readReports } from "../reports.js";
import { createRun, runCells, type Session } from "../session.js";
import { tuneCell } from "./cell.js";
import type { TunePlans } from "./setup.js";
import { makeStudiesFolder, setAside, studiesFolder, studyFiles } from "./storage.js";
import { Tuner } from "./tuner.js";

export interface TuneRequest extends TrainRunRequest {
  /** Folder of the studies; `studies` beside the runs folder by default. */
  studies?: string;
  /** Begin new studies: files that are there are moved aside. */
  fresh?: boolean;
  /** Copy the winners' files to `config/tuned/` of the working folder. */
  writeConfig?: boolean;
}

export interface TuneRunResult {
  kind: "tune";
  run: Run;
  /** Of the jobs that succeeded, this time or before. */
  reports: TuningReport[];
}

/**
 * `foldwise tune`: models × symbols × horizons, one study each, one after another. Trials are cross-validated on rows of train and
 * validation; the winner is fitted and judged once on the test rows. What is wrong with the call itself is thrown and leaves no run
 * behind; what is wrong with one of its studies is that job's failure.
 */
export async function tuneRun(request: TuneRequest): Promise<TuneRunResult> {
  const call = await resolveCall(request);
  requireRefit(call);
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const runsDir = request.runsDir ?? DEFAULT_RUNS;
  const studies = studiesFolder(runsDir, request.studies);
  const own = startPool(call, cells, request.cwd, call.training.config.tuning.trials);
  const tuner = Tuner.start({ cwd: request.cwd });
  try {
    const opened = await openSymbols(call, cells, { ...request, ...plansOf(call) });
    throwIfAborted(request.signal);
    const session: Session<TunePlans> = {
      call,
      opened,
      runsDir,
      store: request.store ?? null,
      cwd: request.cwd,
      pool: { own },
      signal: request.signal,
      onEvent: request.onEvent,
    };
    makeStudiesFolder(studies);
    const options = { studies, write_config: request.writeConfig === true };
    const run = createRun(session, cells, request.command, request.runId, "tune", options);
    if (request.fresh === true) {
      for (const { job } of cells) {
        const aside = setAside(studyFiles(studies, job).db, "before");
        if (aside !== null) run.logEvent({ event: "notice", job, message: `The study before lies in ${aside}` });
        if (aside !== null) request.onEvent?.({ event: "notice", job, message: `The study before lies in ${aside}` });
      }
    }
    return await finish(run, session, tuner);
  } finally {
    await tuner.close();
    await own.pool.close();
  }
}

/** `foldwise resume` of such a run: the study goes on where it was. */
export async function resumeTune(run: Run, request: ResumeRequest): Promise<TuneRunResult> {
  const session = await reopen(run, request, plansOf, (call) => call.training.config.tuning.trials);
  const tuner = Tuner.start({ cwd: session.cwd });
  try {
    return await finish(run, session, tuner);
  } finally {
    await tuner.close();
  }
}

async function finish(run: Run, session: Session<TunePlans>, tuner: Tuner): Promise<TuneRunResult> {
  const { studies, write_config } = run.file.options;
  // A project that was moved has them beside its runs again.
  const folder = folderOf(studies) ?? studiesFolder(run.runsDir, undefined);
  const shares = new TimeShares(run, timeoutMs(session.call.training.config.tuning.timeout));
  // Its trials are what keeps the workers busy: one job at a time.
  await runCells(
    run,
    session,
    (pool, onEvent) =>
      async (cell, { signal, fitted }) => {
        const outcome = await tuneCell(
          tuner,
          { run, session, cell, pool, studies: folder, signal, onEvent },
          shares.deadline(),
        );
        shares.ended();
        fitted();
        if (write_config === true) writeConfig(run, cell.job, session.cwd);
        return outcome;
      },
    { concurrency: 1 },
  );
  const read = readReports(run);
  if (read.kind !== "tune") throw new Error(`run ${run.id} is no tuning run`);
  return { run, ...read };
}

/** An ensemble's bases are stopped by the rows that `train_val` would fit them on. */
function requireRefit({ training, models }: TrainCall): void {
  const ensemble = models.find(({ definition }) => definition.kind === "ensemble");
  if (training.config.tuning.refit === "train" || ensemble === undefined) return;
  const { id } = ensemble.definition;
  throw new FoldwiseError("usage.refit", `${id} cannot be fitted on train_val: its bases are stopped by those rows.`, {
    remedy: "Use --refit train, or tune ensembles in a call of their own.",
  });
}

const plansOf = (call: TrainCall): Pick<OpenSymbolsOptions<TunePlans>, "plan" | "fitted"> => {
  const holdout = holdoutOf(call);
  return {
    plan: (dataset) => ({
      cv: planCv(dataset, call.training.config.validation, embargoOf(call, dataset), longestWindow(call)),
      holdout: holdout.plan(dataset),
    }),
    fitted: ({ cv }) => cv.rows,
  };
};

/** `--timeout` of a call is shared evenly by the jobs that are still to come. */
class TimeShares {
  readonly #end: number | null;
  #left: number;

  constructor(run: Run, timeout: number | null) {
    this.#end = timeout === null ? null : Date.now() + timeout;
    this.#left = run.file.jobs.filter(({ status }) => status !== "succeeded").length;
  }

  /** Of the job that begins now. */
  deadline(): number | null {
    if (this.#end === null) return null;
    const now = Date.now();
    return now + Math.max(0, this.#end - now) / Math.max(1, this.#left);
  }

  ended(): void {
    this.#left--;
  }
}

function writeConfig(run: Run, job: string, cwd: string): void {
  const folder = join(cwd, "config", "tuned");
  makeFolder(folder);
  writeFileAtomic(pathUnder(folder, `${job}.yaml`), readRegular(pathUnder(run.dir, "tuned", `${job}.yaml`)));
}
