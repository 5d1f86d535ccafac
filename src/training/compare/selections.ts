import { existsSync } from "node:fs";
import type { Run, RunJob } from "../../artifacts/index.js";
import { commonRows, type RowResults } from "../../evaluation/index.js";
import { pathUnder, readRegular, writeFileAtomic } from "../../files/index.js";
import { buildComparison, encodeSelection, parseSelection, type SelectionReport } from "../../report/index.js";
import { jobName } from "../grid.js";
import { readReports } from "../reports.js";
import { kindOf } from "../session.js";
import { choiceOf } from "./choice.js";
import { durationsOf, resultsOf } from "./results.js";
import { trialsOf } from "./trials.js";

/** Finished jobs of one symbol and horizon: what one of them is chosen from. */
interface Group {
  symbol: string;
  horizon: number;
  jobs: RunJob[];
}

/**
 * What a run's command does when every job has ended: writes `reports/{SYMBOL}_h{H}_selection.json` for every symbol and
 * horizon of which a job has been finished meanwhile, or whose file is not there.
 *
 * @returns It throws `data.*` where the run's own answers cannot be read, `io.*` where nothing can be written.
 */
export function selectionsAtEnd(run: Run): () => Promise<void> {
  const before = new Set(run.file.jobs.filter(({ status }) => status === "succeeded").map(({ job }) => job));
  return async () => {
    for (const group of groupsOf(run)) {
      const path = pathOf(run, group);
      if (existsSync(path) && group.jobs.every(({ job }) => before.has(job))) continue;
      const report = await selectionOf(run, group);
      if (report !== null) writeFileAtomic(path, encodeSelection(report));
    }
  };
}

/** Those that the run has, in the order of its jobs; throws `data.bad_report`. */
export function readSelections(run: Run): SelectionReport[] {
  return groupsOf(run).flatMap((group) => {
    const path = pathOf(run, group);
    return existsSync(path) ? [parseSelection(readRegular(path), path)] : [];
  });
}

/** Null where there is nothing to say: of a training run with one model. */
async function selectionOf(run: Run, { symbol, horizon, jobs }: Group): Promise<SelectionReport | null> {
  const cv = kindOf(run) === "cv";
  const placed = cv ? jobs : untuned(run, jobs);
  if (!cv && placed.length < 2) return null;
  const part = cv ? "oof" : "val_calibrate";
  const results = new Map<string, RowResults>();
  for (const job of placed) results.set(job.job, await resultsOf(run, job, part));
  const common = commonRows([...results.values()]);
  const { reports } = readReports(run);
  return {
    format: 1,
    symbol,
    horizon,
    synthetic: reports.some((report) => report.symbol === symbol && report.synthetic),
    run_id: run.id,
    created: new Date().toISOString(),
    comparison: buildComparison({
      part,
      names: placed.map(({ model }) => model),
      common,
      durations: durationsOf(common),
      seed: run.file.seed,
    }),
    choice: cv ? await choiceOf(trialsOf(run, { symbol, horizon }), results) : null,
  };
}

/** Jobs of a training run that may be placed by the calibrate rows: none whose settings were tuned over them. */
function untuned(run: Run, jobs: readonly RunJob[]): RunJob[] {
  const read = readReports(run);
  if (read.kind !== "train") return [];
  const tuned = new Set(
    read.reports.flatMap(({ tuned, ...report }) =>
      tuned === null ? [] : [jobName(report.model_name, report.symbol, report.horizon)],
    ),
  );
  return jobs.filter(({ job }) => !tuned.has(job));
}

function groupsOf(run: Run): Group[] {
  const groups = new Map<string, Group>();
  for (const job of run.file.jobs) {
    if (job.status !== "succeeded") continue;
    const { symbol, horizon } = job;
    const key = `${symbol}_h${horizon}`;
    const group = groups.get(key) ?? { symbol, horizon, jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const pathOf = (run: Run, { symbol, horizon }: Group): string =>
  pathUnder(run.dir, "reports", `${symbol}_h${horizon}_selection.json`);
