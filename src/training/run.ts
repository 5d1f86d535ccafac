import { DEFAULT_RUNS, type Run } from "../artifacts/index.js";
import { throwIfAborted } from "../types/index.js";
import { resolveCall, type TrainRunRequest } from "./call.js";
import { selectionsAtEnd } from "./compare/index.js";
import { resumeCv } from "./cv/index.js";
import { planGrid } from "./grid.js";
import { holdoutOf, openSymbols } from "./opened.js";
import { startPool } from "./ownPool.js";
import { findRun, type ResumeRequest, reopen } from "./reopen.js";
import { type RunReports, readReports } from "./reports.js";
import { createRun, kindOf, type Session } from "./session.js";
import { execute } from "./trainJob.js";
import { resumeTune } from "./tuning/index.js";

/** A run that has ended, and the reports of its jobs that succeeded, this time or before. */
export type RunResult = { run: Run } & RunReports;
export type TrainRunResult = Extract<RunResult, { kind: "train" }>;

/**
 * `foldwise train`: a grid of models, symbols and horizons in one new run. What is wrong before any cell can start is thrown
 * and leaves no run behind; after that a cell's failure is its own.
 */
export async function trainRun(request: TrainRunRequest): Promise<TrainRunResult> {
  const call = await resolveCall(request);
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const own = startPool(call, cells, request.cwd);
  try {
    const opened = await openSymbols(call, cells, { ...request, ...holdoutOf(call) });
    throwIfAborted(request.signal);
    const session: Session = {
      call,
      opened,
      runsDir: request.runsDir ?? DEFAULT_RUNS,
      store: request.store ?? null,
      cwd: request.cwd,
      pool: { own },
      signal: request.signal,
      onEvent: request.onEvent,
    };
    const run = createRun(session, cells, request.command, request.runId);
    await execute(run, session, selectionsAtEnd(run));
    return trained(run);
  } finally {
    await own.pool.close();
  }
}

/** `foldwise resume`: the jobs that have not succeeded, on the same rows, with the configuration that the run wrote down. */
export async function resumeRun(request: ResumeRequest): Promise<RunResult> {
  const run = findRun(request);
  const kind = kindOf(run);
  if (kind === "cv") return resumeCv(run, request);
  if (kind === "tune") return resumeTune(run, request);
  const session = await reopen(run, request, holdoutOf);
  await execute(run, session, selectionsAtEnd(run));
  return trained(run);
}

function trained(run: Run): TrainRunResult {
  const read = readReports(run);
  if (read.kind !== "train") throw new Error(`run ${run.id} is no training run`);
  return { run, ...read };
}
