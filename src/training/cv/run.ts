import { DEFAULT_RUNS, type Run } from "../../artifacts/index.js";
import { type ResolvedModel, symbolMarket } from "../../config/index.js";
import type { CvReport } from "../../report/index.js";
import { FoldwiseError, throwIfAborted } from "../../types/index.js";
import { resolveCall, type TrainCall, type TrainRunRequest } from "../call.js";
import { ensembleOf } from "../callParts.js";
import { selectionsAtEnd } from "../compare/index.js";
import { chooseDevice, settlePrecision } from "../device.js";
import { type CellWorker, planGrid } from "../grid.js";
import { embargoOf, longestWindow, type OpenSymbolsOptions, openSymbols } from "../opened.js";
import { startPool } from "../ownPool.js";
import { type ResumeRequest, reopen } from "../reopen.js";
import { readReports } from "../reports.js";
import { requireHorizon } from "../rows.js";
import { createRun, originOfCell, runCells, type Session, versionsOf } from "../session.js";
import { cvCell } from "./cell.js";
import { type CvPlan, planCv } from "./plan.js";

export type CvRequest = Omit<TrainRunRequest, "noTest">;

export interface CvRunResult {
  kind: "cv";
  run: Run;
  /** Of the jobs that succeeded, this time or before. */
  reports: CvReport[];
}

/**
 * `foldwise cv`: models × symbols × horizons, each fitted once a fold on rows of train and validation. The test part stays
 * closed. What is wrong before any fold can be fitted is thrown and leaves no run behind.
 */
export async function cvRun(request: CvRequest): Promise<CvRunResult> {
  const call = await resolveCall({ ...request, noTest: true });
  const cells = planGrid(call.grid.models, call.grid.symbols, call.grid.horizons);
  const own = startPool(call, cells, request.cwd, fitsOf(call));
  try {
    const opened = await openSymbols(call, cells, { ...request, ...foldsOf(call) });
    throwIfAborted(request.signal);
    const session: Session<CvPlan> = {
      call,
      opened,
      runsDir: request.runsDir ?? DEFAULT_RUNS,
      store: request.store ?? null,
      cwd: request.cwd,
      pool: { own },
      signal: request.signal,
      onEvent: request.onEvent,
    };
    const run = createRun(session, cells, request.command, request.runId, "cv");
    return await finish(run, session);
  } finally {
    await own.pool.close();
  }
}

/** `foldwise resume` of such a run: folds that were finished are kept. */
export async function resumeCv(run: Run, request: ResumeRequest): Promise<CvRunResult> {
  return finish(run, await reopen(run, request, foldsOf, fitsOf));
}

async function finish(run: Run, session: Session<CvPlan>): Promise<CvRunResult> {
  // Its folds are what keeps the workers busy: one job at a time.
  await runCells(run, session, (pool, onEvent) => workerOf(run, session, pool, onEvent), {
    concurrency: 1,
    atEnd: selectionsAtEnd(run),
  });
  const read = readReports(run);
  if (read.kind !== "cv") throw new Error(`run ${run.id} is no cross-validation`);
  return { run, ...read };
}

const foldsOf = (call: TrainCall): Pick<OpenSymbolsOptions<CvPlan>, "plan" | "fitted"> => ({
  plan: (dataset) => planCv(dataset, call.training.config.validation, embargoOf(call, dataset), longestWindow(call)),
  fitted: ({ rows }) => rows,
});

/** At least; by rows or calendar there may be more. */
function fitsOf({ training: { config } }: TrainCall): number {
  const { scheme, folds, groups, seeds } = config.validation;
  return (scheme === "cpcv" ? groups : folds) * (seeds?.length ?? 1);
}

/** What was chosen by out-of-fold figures has too good ones. */
function ofTuning({ tuned }: Pick<ResolvedModel, "tuned">): string | undefined {
  if (tuned === null) return undefined;
  return `The settings were tuned on rows of train and validation (${tuned.trials} trials, run ${tuned.run_id}): these figures are too good; foldwise tune --nested gives unbiased ones.`;
}

function workerOf(
  run: Run,
  session: Session<CvPlan>,
  pool: Parameters<Parameters<typeof runCells>[2]>[0],
  onEvent: Parameters<Parameters<typeof runCells>[2]>[1],
): CellWorker {
  const { call, opened } = session;
  const { config } = call.training;
  const unfitted = new Set(run.file.jobs.filter(({ status }) => status !== "succeeded").map(({ job }) => job));
  /** Workers for which nothing is left end while the last job's report is made. */
  const endWorkers = (): void => {
    // What goes wrong is told where their end is waited for, when all jobs have ended.
    if (unfitted.size === 0 && "own" in session.pool) session.pool.own.pool.close().catch(() => {});
  };
  return async (cell, { signal, fitted }) => {
    const state = opened.get(cell.symbol);
    if (state === undefined || state instanceof FoldwiseError)
      throw state ?? new Error(`${cell.symbol} was not opened`);
    requireHorizon(state.dataset, cell.horizon);
    const chosen = call.models.find(({ definition }) => definition.id === cell.model);
    if (chosen === undefined) throw new Error(`${cell.model} was not resolved`);
    const { definition } = chosen;
    const { device, notice } = await chooseDevice(definition, chosen.settings, config, pool);
    const settings = await settlePrecision(chosen.settings, device, pool);
    const notices = [notice, ofTuning(settings)].filter((message) => message !== undefined);
    for (const message of notices) onEvent({ event: "notice", job: cell.job, message });
    const { manifest } = state.dataset;
    const versions = versionsOf(call);
    const parts = await ensembleOf(call, chosen, pool);
    return cvCell({
      run,
      cell,
      definition,
      ...(parts === null ? {} : { ensemble: { ...parts, embargo: state.plan.embargo } }),
      settings,
      ...state,
      seeds: config.validation.seeds ?? [config.seed],
      priorTrials: config.validation.prior_trials,
      market: symbolMarket(cell.symbol, session.cwd),
      device,
      origin: originOfCell(
        { call, cwd: session.cwd, run, versions },
        { cell, chosen: { ...chosen, settings }, manifest },
        "cv",
      ),
      versions,
      notices: [...call.notices, ...notices],
      pool,
      signal,
      onEvent,
      onFitted: () => {
        unfitted.delete(cell.job);
        endWorkers();
        fitted();
      },
    });
  };
}
