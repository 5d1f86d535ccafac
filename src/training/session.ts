import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Run, type RunFile, WORK_FOLDER } from "../artifacts/index.js";
import { renderRunConfig } from "../config/index.js";
import { DEFAULT_STORE } from "../data/index.js";
import type { EnginePool } from "../engine/index.js";
import { packageVersion } from "../files/index.js";
import { FoldwiseError, type OnEvent } from "../types/index.js";
import type { HoldoutPlan } from "../validation/index.js";
import type { TrainCall } from "./call.js";
import { ensembleOf, partSettings, partsFor } from "./callParts.js";
import { type CellResult, trainCell } from "./cell.js";
import { symbolCosts } from "./decision.js";
import { chooseDevice, settlePrecision } from "./device.js";
import { BaseStore, type EnsembleSettings } from "./ensemble/index.js";
import { type CellWorker, type GridCell, runGrid } from "./grid.js";
import { JobEnds } from "./jobEnds.js";
import { trainable } from "./model.js";
import type { OpenedSymbols } from "./opened.js";
import { openingOf, RunOpenings } from "./openings.js";
import type { OwnPool } from "./ownPool.js";
import { portableCall } from "./portable.js";
import { requireHorizon } from "./rows.js";

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
export type RunKind = "train" | "cv";

/** What `run.json` names it; runs of before there were others name none. */
export const kindOf = (run: Run): RunKind => (run.file.options.kind === "cv" ? "cv" : "train");

/** Claims a new run for the session's cells. */
export function createRun(
  session: Session<unknown>,
  cells: readonly GridCell[],
  command: string,
  runId?: string,
  kind: RunKind = "train",
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
    options: { kind, store: resolve(store ?? DEFAULT_STORE), folder: resolve(session.cwd) },
    jobs: [...cells],
    config: configOf(call, kind),
  });
}

/** `train`: fits, saves and judges the run's cells that have not succeeded. */
export function execute(run: Run, session: Session, atEnd?: CellsOptions["atEnd"]): Promise<void> {
  const ends = new JobEnds(run);
  return runCells(
    run,
    session,
    (pool, onEvent) => {
      const openings = openingsOfRun(run, session);
      const bases = baseStoreOf(run, session, { pool, onEvent, ends });
      return (cell, context) =>
        ends.of(cell.job, () => workOn({ run, session, pool, openings, bases, onEvent }, cell, context));
    },
    { atEnd, onBroken: (cause) => ends.fail(cause) },
  );
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

interface Work {
  run: Run;
  session: Session;
  pool: EnginePool;
  openings: RunOpenings | null;
  bases: BaseStore;
  onEvent: OnEvent;
}

function baseStoreOf(
  run: Run,
  { call, opened, cwd, signal }: Session,
  { pool, onEvent, ends }: { pool: EnginePool; onEvent: OnEvent; ends: JobEnds },
): BaseStore {
  const versions = versionsOf(call);
  return new BaseStore({
    run,
    pool,
    seed: call.training.config.seed,
    versions,
    trainable,
    endOf: (job) => ends.end(job),
    originOf: ({ definition }, cell) => {
      const state = opened.get(cell.symbol);
      if (state === undefined || state instanceof FoldwiseError)
        throw state ?? new Error(`${cell.symbol} was not opened`);
      const { manifest } = state.dataset;
      const part = call.parts.find((each) => each.definition === definition);
      if (part === undefined) throw new Error(`${definition.id} was not resolved`);
      const own = oneCell(call, { ...cell, model: definition.id }, part);
      return {
        symbol: cell.symbol,
        horizon: cell.horizon,
        fingerprint: manifest.fingerprint,
        pipeline: manifest.pipeline,
        runId: run.id,
        config: configOf(portableCall(own, cwd), "train"),
        versions,
        synthetic: manifest.pipeline?.synthetic ?? false,
      };
    },
    signal,
    onEvent,
  });
}

/** Null where the test part stays closed. Jobs that cannot begin open nothing. */
function openingsOfRun(run: Run, { call, opened }: Session): RunOpenings | null {
  if (!call.grid.test) return null;
  const planned = run.file.jobs.flatMap((cell) => {
    const state = opened.get(cell.symbol);
    const chosen = call.models.find(({ definition }) => definition.id === cell.model);
    if (cell.status === "succeeded" || chosen === undefined || state === undefined || state instanceof FoldwiseError)
      return [];
    if (!state.dataset.manifest.horizons.includes(cell.horizon)) return [];
    const { seed, calibration, decision } = call.training.config;
    const parts = partSettings(call, chosen);
    return [openingOf({ cell, settings: chosen.settings, parts, ...state, seed, calibration, decision })];
  });
  return new RunOpenings(run, planned);
}

async function workOn(
  { run, session, pool, openings, bases, onEvent }: Work,
  cell: GridCell,
  { signal, fitted }: Parameters<CellWorker>[1],
): Promise<CellResult> {
  const { call, opened } = session;
  const state = opened.get(cell.symbol);
  if (state === undefined || state instanceof FoldwiseError) throw state ?? new Error(`${cell.symbol} was not opened`);
  requireHorizon(state.dataset, cell.horizon);
  const chosen = call.models.find(({ definition }) => definition.id === cell.model);
  if (chosen === undefined) throw new Error(`${cell.model} was not resolved`);
  const { definition } = chosen;
  const { device, notice } = await chooseDevice(definition, chosen.settings, call.training.config, pool);
  const settings = await settlePrecision(chosen.settings, device, pool);
  const notices = notice === undefined ? [] : [notice];
  if (definition.kind === "typescript" && call.training.config.calibration !== "none") {
    notices.push(
      `${definition.id} is not calibrated: only a model with an engine has a graph that holds a calibrator.`,
    );
  }
  for (const message of notices) onEvent({ event: "notice", job: cell.job, message });
  const parts = await ensembleOf(call, chosen, pool);
  const rows = state;
  const ensemble: EnsembleSettings | null =
    parts === null
      ? null
      : {
          ...parts,
          embargo: rows.plan.embargo,
          explain: true,
          ready: (spec) => bases.ready(spec, cell, rows),
          onNotice: (message) => onEvent({ event: "notice", job: cell.job, message }),
        };
  const result = await trainCell({
    ...(ensemble === null ? {} : { ensemble }),
    run,
    cell,
    definition,
    settings,
    ...state,
    calibration: call.training.config.calibration,
    decision: call.training.config.decision,
    costs: symbolCosts(state.dataset, cell.symbol, session.cwd),
    seed: call.training.config.seed,
    device,
    openings,
    config: configOf(portableCall(oneCell(call, cell, { ...chosen, settings }), session.cwd), "train"),
    versions: versionsOf(call),
    notices: [...call.notices, ...notices],
    pool,
    signal,
    onEvent,
    onFitted: fitted,
  });
  if (session.onResult?.(result) !== "keep") await result.model.close();
  return result;
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
