import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHECKPOINTS_FOLDER, DEFAULT_RUNS, Run } from "../artifacts/index.js";
import { FoldwiseError, type OnEvent, throwIfAborted } from "../types/index.js";
import { resolveCall, type TrainCall } from "./call.js";
import { planGrid } from "./grid.js";
import { takeBackDamaged } from "./intact.js";
import { type OpenedSymbols, type OpenSymbolsOptions, openSymbols } from "./opened.js";
import { startPool } from "./ownPool.js";
import { type Session, versionsOf } from "./session.js";

export interface ResumeRequest {
  cwd: string;
  runsDir?: string;
  runId: string;
  /** Begin unfinished fits anew: their checkpoints are deleted. */
  fresh?: boolean;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

/** The run of that name, not yet taken over. */
export const findRun = ({ runsDir, runId }: ResumeRequest): Run => Run.open(runsDir ?? DEFAULT_RUNS, runId);

/**
 * Takes a run over to go on with it: the same rows, the configuration that it wrote down, and damaged jobs taken back.
 *
 * @param rowsOf How the run's command plans rows.
 * @param fits Of each cell, that the workers can divide among them.
 */
export async function reopen<Plan>(
  run: Run,
  request: ResumeRequest,
  rowsOf: (call: TrainCall) => Pick<OpenSymbolsOptions<Plan>, "plan" | "fitted">,
  fits: (call: TrainCall, opened: OpenedSymbols<Plan>) => number = () => 1,
): Promise<Session<Plan>> {
  const store = folderOf(run.file.options.store);
  // Where the run was begun: configuration, plug-ins and the engine are looked for from there.
  const cwd = folderOf(run.file.options.folder) ?? request.cwd;
  const call = await resolveCall({
    cwd,
    configFile: join(run.dir, "config.yaml"),
    ...(request.onEvent === undefined ? {} : { onEvent: request.onEvent }),
  });
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const opened = await openSymbols(call, cells, {
    ...(request.onEvent === undefined ? {} : { onEvent: request.onEvent }),
    ...rowsOf(call),
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
  const own = startPool(call, pending, cwd, fits(call, opened));
  return { call, opened, runsDir: run.runsDir, store, cwd, pool: { own }, signal, onEvent };
}

/** A folder that the run wrote down, if it is still there: a project that was moved is looked for as before, from the working folder. */
export const folderOf = (path: unknown): string | null =>
  typeof path === "string" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : null;

export function sourceFolder(run: Run, symbol: string): string | null {
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

function checkSameData(run: Run, opened: OpenedSymbols<unknown>): void {
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
