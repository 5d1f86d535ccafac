import type { Run, RunJob } from "../artifacts/index.js";
import type { EnginePool } from "../engine/index.js";
import { FoldwiseError, type OnEvent } from "../types/index.js";
import { ensembleOf, partSettings, tunedPart } from "./callParts.js";
import { type CellResult, trainCell } from "./cell.js";
import { symbolCosts } from "./decision.js";
import { chooseDevice, settlePrecision } from "./device.js";
import { BaseStore, type EnsembleSettings } from "./ensemble/index.js";
import type { CellWorker, GridCell } from "./grid.js";
import { JobEnds } from "./jobEnds.js";
import { trainable } from "./model.js";
import { openingOf, RunOpenings } from "./openings.js";
import { portableCall } from "./portable.js";
import { requireHorizon } from "./rows.js";
import { type CellsOptions, configOf, oneCell, originOfCell, runCells, type Session, versionsOf } from "./session.js";

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
        ends.of(cell.job, () => trainJob({ run, session, pool, openings, bases, onEvent }, cell, context));
    },
    { atEnd, onBroken: (cause) => ends.fail(cause) },
  );
}

/** What the jobs of a run share. */
export interface TrainWork {
  run: Run;
  session: Session;
  pool: EnginePool;
  openings: RunOpenings | null;
  bases: BaseStore;
  onEvent: OnEvent;
}

export function baseStoreOf(
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
      const part = [...call.models, ...call.parts].find((each) => each.definition === definition);
      if (part === undefined) throw new Error(`${definition.id} was not resolved`);
      const own = { ...cell, model: definition.id };
      return originOfCell({ call, cwd, run, versions }, { cell: own, chosen: part, manifest }, "train");
    },
    signal,
    onEvent,
  });
}

/** Null where the test part stays closed. Jobs that cannot begin open nothing. */
export function openingsOfRun(
  run: Run,
  { call, opened }: Pick<Session, "call" | "opened">,
  jobs: readonly RunJob[] = run.file.jobs,
): RunOpenings | null {
  if (!call.grid.test) return null;
  const planned = jobs.flatMap((cell) => {
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

/** Fits, saves and judges one job. */
export async function trainJob(
  { run, session, pool, openings, bases, onEvent }: TrainWork,
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
  const settled = await settlePrecision(chosen.settings, device, pool);
  const settings = { ...settled, tuned: settled.tuned ?? tunedPart(call, chosen) };
  const notices = notice === undefined ? [] : [notice];
  if (definition.kind === "typescript" && call.training.config.calibration !== "none") {
    notices.push(
      `${definition.id} is not calibrated: only a model with an engine has a graph that holds a calibrator.`,
    );
  }
  const { tuned } = settings;
  if (tuned !== null && tuned.fingerprint !== state.dataset.manifest.fingerprint)
    notices.push(
      `${definition.id} was tuned on other data than these (run ${tuned.run_id}): its settings may not suit them.`,
    );
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
