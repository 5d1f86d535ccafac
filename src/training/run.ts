import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHECKPOINTS_FOLDER, DEFAULT_RUNS, Run } from "../artifacts/index.js";
import { readRegular } from "../files/index.js";
import { parseReport, type Report } from "../report/index.js";
import { FoldwiseError, type OnEvent, throwIfAborted } from "../types/index.js";
import { resolveCall, type TrainCall, type TrainRequest } from "./call.js";
import { planGrid } from "./grid.js";
import { takeBackDamaged } from "./intact.js";
import { type OpenedSymbols, openSymbols } from "./opened.js";
import { startPool } from "./ownPool.js";
import { createRun, execute, type Session, versionsOf } from "./session.js";

export interface TrainRunRequest extends TrainRequest {
  /** Folder of all runs; `experiments/runs` by default. */
  runsDir?: string;
  runId?: string;
  /** The dataset store; `.foldwise/datasets` by default. */
  store?: string;
  verify?: boolean;
  /** Fewer than 500 rows are taken, too. */
  allowSmall?: boolean;
  /** As typed, for `run.json`. */
  command: string;
  signal?: AbortSignal;
}

export interface TrainRunResult {
  run: Run;
  /** Of the jobs that succeeded, this time or before. */
  reports: Report[];
}

/**
 * `foldwise train`: a grid of models, symbols and horizons in one new run. What is wrong before any cell can start is thrown
 * and leaves no run behind; after that a cell's failure is its own.
 */
export async function trainRun(request: TrainRunRequest): Promise<TrainRunResult> {
  const call = await resolveCall(request);
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const own = startPool(call, cells, request.cwd);
  try {
    const opened = await openSymbols(call, cells, request);
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
    await execute(run, session);
    return { run, reports: readReports(run) };
  } finally {
    await own.pool.close();
  }
}

/** `foldwise resume`: the cells that have not succeeded, on the same rows, with the configuration that the run wrote down. */
export async function resumeRun(
  request: Pick<TrainRunRequest, "cwd" | "signal" | "onEvent"> & {
    runsDir?: string;
    runId: string;
    /** Begin unfinished fits anew: their checkpoints are deleted. */
    fresh?: boolean;
  },
): Promise<TrainRunResult> {
  const runsDir = request.runsDir ?? DEFAULT_RUNS;
  const run = Run.open(runsDir, request.runId);
  const store = folderOf(run.file.options.store);
  // Where the run was begun: configuration, plug-ins and the engine are looked for from there.
  const cwd = folderOf(run.file.options.folder) ?? request.cwd;
  const call = await resolveCall({ ...request, cwd, configFile: join(run.dir, "config.yaml") });
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const opened = await openSymbols(call, cells, {
    ...request,
    // That was decided when the run began.
    allowSmall: true,
    ...(store === null ? {} : { store }),
    dataOf: (symbol) => sourceFolder(run, symbol),
  });
  checkSameData(run, opened);
  throwIfAborted(request.signal);
  run.takeOver();
  try {
    if (request.fresh === true) rmSync(join(run.dir, CHECKPOINTS_FOLDER), { recursive: true, force: true });
    await takeBackDamaged(run, request.onEvent);
    noteVersions(run, call, request.onEvent);
  } catch (error) {
    run.release();
    throw error;
  }
  const { signal, onEvent } = request;
  const pending = run.file.jobs.filter(({ status }) => status !== "succeeded");
  const own = startPool(call, pending, cwd);
  await execute(run, { call, opened, runsDir, store, cwd, pool: { own }, signal, onEvent });
  return { run, reports: readReports(run) };
}

/** A folder that the run wrote down, if it is still there: a project that was moved is looked for as before, from the working folder. */
const folderOf = (path: unknown): string | null =>
  typeof path === "string" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : null;

function sourceFolder(run: Run, symbol: string): string | null {
  const sources = run.file.datasets[symbol]?.sources ?? [];
  const [first] = sources;
  return first !== undefined && sources.every(({ path }) => existsSync(path)) ? dirname(first.path) : null;
}

/** A run that goes on with other versions says so. */
function noteVersions(run: Run, call: TrainCall, onEvent: OnEvent | undefined): void {
  const versions = versionsOf(call);
  const changed = Object.keys(versions).filter((name) => versions[name] !== run.file.versions[name]);
  if (changed.length === 0) return;
  const was = changed.map((name) => `${name} ${run.file.versions[name] ?? "absent"} → ${versions[name]}`);
  const message = `Versions have changed since the run began: ${was.join(", ")}`;
  call.notices.push(message);
  onEvent?.({ event: "notice", message });
  run.update({ versions });
}

function checkSameData(run: Run, opened: OpenedSymbols): void {
  for (const [symbol, state] of opened) {
    const recorded = run.file.datasets[symbol];
    if (recorded === undefined || state instanceof FoldwiseError) continue;
    const { fingerprint } = state.dataset.manifest;
    if (fingerprint === recorded.fingerprint) continue;
    throw new FoldwiseError("data.changed_since", `The data of ${symbol} is not what run ${run.id} began with.`, {
      remedy: "Restore the file, or start a new run with `foldwise train`.",
      details: { symbol, got: fingerprint, expected: recorded.fingerprint },
    });
  }
}

function readReport(run: Run, path: string): string {
  try {
    return readRegular(path);
  } catch (cause) {
    throw new FoldwiseError("data.report_missing", `${path} cannot be read.`, {
      remedy: `Restore it, or fit its model again: ${run.resumeCommand}`,
      cause,
    });
  }
}

/** Reports of the jobs that succeeded, in the order of the run. */
export function readReports(run: Run): Report[] {
  return run.file.jobs.flatMap(({ status, report }) => {
    if (status !== "succeeded" || report === null) return [];
    const path = join(run.dir, report);
    return [parseReport(readReport(run, path), path)];
  });
}
