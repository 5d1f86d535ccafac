import { join } from "node:path";
import type { Run, RunJob } from "../artifacts/index.js";
import { resolveTrainingConfig, type TrainingConfig } from "../config/index.js";
import { openStored, viewOf, windowEnds } from "../data/index.js";
import { readRegular } from "../files/index.js";
import { ModelRegistry } from "../models/index.js";
import { type CvReport, parseReport, type Report } from "../report/index.js";
import { FoldwiseError, type OnEvent, type StoredDataset } from "../types/index.js";
import type { HoldoutPlan } from "../validation/index.js";
import { type CvPlan, planCv } from "./cv/plan.js";
import { splitForProbabilities } from "./probabilityRows.js";
import { folderOf, sourceFolder } from "./reopen.js";
import { readReports } from "./reports.js";
import { planRows, withStopRows } from "./rows.js";
import { kindOf, type RunKind } from "./session.js";

/** A finished job of a run, with its report. */
export type PlannedJob = { job: RunJob } & ({ kind: "train"; report: Report } | { kind: "cv"; report: CvReport });

/** The rows of one symbol of a finished run, planned again as the run planned them. */
export type PlannedSymbol = { symbol: string; dataset: StoredDataset; jobs: PlannedJob[] } & (
  | { kind: "train"; plan: HoldoutPlan }
  | { kind: "cv"; plan: CvPlan }
);

export interface PlannedOptions {
  /** Where the run is looked for that was begun in a folder which is no more. */
  cwd: string;
  /** Only this symbol. */
  symbol?: string;
  onEvent?: OnEvent | undefined;
}

/**
 * What a finished run fitted and judged by, worked out again from its data and its `config.yaml`; no engine is asked and no
 * plug-in loaded.
 *
 * @throws FoldwiseError `data.changed_since` where the data are not those of the run, `usage.no_report` where no job succeeded.
 */
export async function plannedOf(run: Run, { cwd, symbol: only, onEvent }: PlannedOptions): Promise<PlannedSymbol[]> {
  const jobs = jobsOf(run).filter(({ job }) => only === undefined || job.symbol === only);
  if (jobs.length === 0) {
    throw new FoldwiseError(
      "usage.no_report",
      `None of the jobs of run ${run.id}${only === undefined ? "" : ` on ${only}`} has succeeded.`,
      {
        remedy: `Finish it with: ${run.resumeCommand}`,
      },
    );
  }
  const folder = folderOf(run.file.options.folder) ?? cwd;
  const configFile = join(run.dir, "config.yaml");
  const { config, call, grid } = resolveTrainingConfig({ cwd: folder, configFile });
  const saved = call.configFile?.file.value;
  // Else the defaults would be taken for it, and the run accused of rows that it never planned.
  if (grid.models === undefined || record(saved).command === undefined) {
    throw new FoldwiseError(
      "data.run_config",
      `${configFile} is not what a run writes: it names no command and models.`,
      {
        remedy: "Put the run's own config.yaml back; nothing else says which rows it planned.",
      },
    );
  }
  const seqLen = longestSaved(saved);
  const planned: PlannedSymbol[] = [];
  for (const symbol of new Set(jobs.map(({ job }) => job.symbol))) {
    const own = jobs.filter(({ job }) => job.symbol === symbol);
    const dataset = await openAgain(run, symbol, grid.horizons ?? [], onEvent);
    planned.push(planAgain(symbol, dataset, own, { config, seqLen, kind: kindOf(run) }));
  }
  return planned;
}

function jobsOf(run: Run): PlannedJob[] {
  const read = readReports(run);
  const finished = run.file.jobs.filter(({ status, report }) => status === "succeeded" && report !== null);
  switch (read.kind) {
    case "train":
      return read.reports.map((report, i) => ({ kind: "train", job: finished[i]!, report }));
    case "cv":
      return read.reports.map((report, i) => ({ kind: "cv", job: finished[i]!, report }));
    case "tune":
      // What it leaves is a model that was fitted as `train` fits one.
      return read.reports.map(({ refit }, i) => {
        const path = join(run.dir, refit.report);
        return { kind: "train", job: finished[i]!, report: parseReport(readRegular(path), path) };
      });
  }
}

function planAgain(
  symbol: string,
  dataset: StoredDataset,
  jobs: PlannedJob[],
  { config, seqLen, kind }: { config: TrainingConfig; seqLen: number | null; kind: RunKind },
): PlannedSymbol {
  const { embargo } = jobs[0]!.report;
  if (kind === "cv") return { symbol, dataset, jobs, kind, plan: planCv(dataset, config.validation, embargo, seqLen) };
  const plan = planRows(dataset, embargo, seqLen);
  const whole = kind === "tune" && config.tuning.refit === "train_val";
  return { symbol, dataset, jobs, kind: "train", plan: whole ? withStopRows(plan) : plan };
}

async function openAgain(
  run: Run,
  symbol: string,
  horizons: readonly number[],
  onEvent: OnEvent | undefined,
): Promise<StoredDataset> {
  const store = folderOf(run.file.options.store);
  const data = sourceFolder(run, symbol);
  const [horizon] = horizons;
  const dataset = await openStored({
    symbol,
    ...(horizons.length === 1 && horizon !== undefined ? { horizon } : {}),
    ...(data === null ? {} : { data }),
    ...(store === null ? {} : { store }),
    onNotice: (message) => onEvent?.({ event: "notice", message: `${symbol}: ${message}` }),
  });
  const recorded = run.file.datasets[symbol];
  const { fingerprint } = dataset.manifest;
  if (recorded === undefined || recorded.fingerprint === fingerprint) return dataset;
  throw new FoldwiseError("data.changed_since", `The data of ${symbol} is not what run ${run.id} was made from.`, {
    remedy: "Restore the file, or audit the data as they are: foldwise audit --symbol NAME.",
    details: { symbol, got: fingerprint, expected: recorded.fingerprint },
  });
}

/** The longest window among the models of a run's `config.yaml`. */
function longestSaved(saved: Record<string, unknown> | undefined): number | null {
  const lengths = Object.values(record(saved?.models)).map((model) => {
    const length = record(record(model).training).seq_len;
    return typeof length === "number" ? length : 0;
  });
  return Math.max(0, ...lengths) || null;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};

/**
 * Of a plan's training rows those that a model itself was fitted on: the ends of full windows, or what is left beside the rows
 * that make its probabilities. A scaler has seen no others.
 */
export function fittedRows(dataset: StoredDataset, train: Int32Array, job: PlannedJob): Int32Array {
  const { model } = job.job;
  const seqLen = record(job.report.configuration.training).seq_len;
  if (typeof seqLen === "number") {
    const ends = windowEnds(
      viewOf(dataset, train),
      seqLen,
      Math.min(dataset.manifest.parts.train.start, train[0] ?? 0),
    );
    return ends.map((i) => train[i]!);
  }
  const definition = ModelRegistry.listAll().find(({ id }) => id === model);
  const share = definition?.capabilities.probabilityRows;
  if (share === undefined) return train;
  return splitForProbabilities(viewOf(dataset, train), share).fit.map((i) => train[i]!);
}
