import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Run, type RunFile, WORK_FOLDER } from "../artifacts/index.js";
import { renderRunConfig } from "../config/index.js";
import { DEFAULT_STORE } from "../data/index.js";
import type { EnginePool } from "../engine/index.js";
import { packageVersion } from "../files/index.js";
import { FoldwiseError, type OnEvent, type StoredDataset } from "../types/index.js";
import type { HoldoutPlan } from "../validation/index.js";
import type { TrainCall } from "./call.js";
import { partsFor } from "./callParts.js";
import type { CellResult } from "./cell.js";
import { type CellWorker, type GridCell, runGrid } from "./grid.js";
import type { OpenedSymbols } from "./opened.js";
import type { ModelOrigin } from "./origin.js";
import type { OwnPool } from "./ownPool.js";
import { portableCall } from "./portable.js";

/** One call that is ready to work: decided, opened, planned. The command and the library both end here. */
export interface Session<Plan = HoldoutPlan> {
  call: TrainCall;
  opened: OpenedSymbols<Plan>;
  runsDir: string;
  /** The dataset store, where it is not the default. */
  store: string | null;
  cwd: string;
  /** Lent: the caller closes it. Own: it ends with the session. */
  pool: { lent: EnginePool } | { own: OwnPool };
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
  /** Gets each finished cell; its model is closed afterwards unless `keep` is answered. */
  onResult?: (result: CellResult) => "keep" | undefined;
  /** Gets what a cell threw; the run keeps its message only. */
  onFailure?: (cause: unknown) => void;
}

/** Which command a run is of; `resume` goes on with it as such. */
export type RunKind = "train" | "cv" | "tune";

/** What `run.json` names it; runs of before there were others name none. */
export const kindOf = ({ file: { options } }: Run): RunKind =>
  options.kind === "cv" || options.kind === "tune" ? options.kind : "train";

/** Claims a new run for the session's cells. */
export function createRun(
  session: Session<unknown>,
  cells: readonly GridCell[],
  command: string,
  runId?: string,
  kind: RunKind = "train",
  /** What else `resume` has to know. */
  options: Readonly<Record<string, unknown>> = {},
): Run {
  const { call, opened, runsDir, store } = session;
  const datasets: RunFile["datasets"] = {};
  for (const [symbol, state] of opened) {
    if (state instanceof FoldwiseError) continue;
    const { fingerprint, sources } = state.dataset.manifest;
    datasets[symbol] = { fingerprint, sources: sources.map(({ path, sha256 }) => ({ path, sha256 })) };
  }
  return Run.create({
    runsDir,
    ...(runId === undefined ? {} : { runId }),
    command,
    seed: call.training.config.seed,
    versions: versionsOf(call),
    datasets,
    // Absolute: `resume` may be called from anywhere. This file stays on this machine.
    options: { ...options, kind, store: resolve(store ?? DEFAULT_STORE), folder: resolve(session.cwd) },
    jobs: [...cells],
    config: configOf(call, kind),
  });
}

export interface CellsOptions {
  /** See `GridOptions`. */
  onBroken?: ((cause: unknown) => void) | undefined;
  /** Cells that fit at the same time; the pool's workers when absent. */
  concurrency?: number | undefined;
  /** Called when every cell has ended, unless the run was interrupted: what is written of all of them together. */
  atEnd?: (() => Promise<void>) | undefined;
}

/** Works on the run's cells that have not succeeded; the run's folder has every trace of it. */
export async function runCells(
  run: Run,
  session: Session<unknown>,
  workerOf: (pool: EnginePool, onEvent: OnEvent) => CellWorker,
  { concurrency, atEnd, onBroken }: CellsOptions = {},
): Promise<void> {
  const { signal } = session;
  const onEvent: OnEvent = (event) => {
    // Progress is drawn, not kept: a thousand rounds a job would drown what happened.
    if (event.event !== "progress") run.logEvent(event);
    session.onEvent?.(event);
  };
  const own = "own" in session.pool ? session.pool.own : null;
  const pool = "own" in session.pool ? session.pool.own.pool : session.pool.lent;
  try {
    own?.attach(run);
    // Told already, when they were found: before there was a run to keep them.
    for (const message of session.call.notices) run.logEvent({ event: "notice", message });
    onEvent({ event: "stage", stage: "run", message: `Run ${run.id} in ${run.dir}` });
    const worker = workerOf(pool, onEvent);
    const work: CellWorker = async (cell, context) => {
      try {
        return await worker(cell, context);
      } catch (cause) {
        session.onFailure?.(cause);
        throw cause;
      }
    };
    await runGrid(run, work, {
      concurrency: concurrency ?? pool.workers,
      onEvent,
      ...(onBroken === undefined ? {} : { onBroken }),
      // Before the run is released: whoever takes it over then has work files of its own.
      cleanUp: async () => {
        await own?.pool.close();
        await rm(join(run.dir, WORK_FOLDER), { recursive: true, force: true });
        if (signal?.aborted !== true) await atEnd?.();
      },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    await own?.pool.close();
    run.release();
    throw error;
  }
}

/** The call as it would have been for this cell alone, so that a bundle's own configuration reproduces the bundle. */
export const oneCell = (
  call: TrainCall,
  { model, symbol, horizon }: GridCell,
  chosen: TrainCall["models"][number],
): TrainCall => ({
  ...call,
  models: [chosen],
  parts: partsFor(call, chosen),
  grid: { ...call.grid, models: [model], symbols: [symbol], horizons: [horizon] },
});

/** Where a model of this cell comes from, fitted on a stored dataset. */
export function originOfCell(
  { call, cwd, run, versions }: { call: TrainCall; cwd: string; run: Run; versions: Record<string, string> },
  {
    cell,
    chosen,
    manifest,
  }: { cell: GridCell; chosen: TrainCall["models"][number]; manifest: StoredDataset["manifest"] },
  command: RunKind,
): ModelOrigin {
  return {
    symbol: cell.symbol,
    horizon: cell.horizon,
    fingerprint: manifest.fingerprint,
    pipeline: manifest.pipeline,
    runId: run.id,
    config: configOf(portableCall(oneCell(call, cell, chosen), cwd), command),
    versions,
    synthetic: manifest.pipeline?.synthetic ?? false,
  };
}

export const configOf = ({ grid, training, models, parts }: TrainCall, command: RunKind): string =>
  renderRunConfig({ command, grid, training, models: [...models, ...parts].map(({ settings }) => settings) });

/** Foldwise, Node, Python, and the engines that the models of the call use. */
export function versionsOf({ installed, models, parts }: TrainCall): Record<string, string> {
  const packages = new Set(
    [...models, ...parts].flatMap(({ definition }) =>
      definition.kind === "engine" ? ["numpy", ...definition.engine.packages] : [],
    ),
  );
  return {
    foldwise: packageVersion(),
    node: process.versions.node,
    ...(installed.python === null ? {} : { python: installed.python }),
    ...Object.fromEntries([...packages].map((name) => [name, installed.versions[name] ?? "unknown"])),
  };
}
