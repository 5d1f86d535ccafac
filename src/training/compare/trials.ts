import { join } from "node:path";
import { Run, type RunJob } from "../../artifacts/index.js";
import { readRegular, sha256 } from "../../files/index.js";
import { type CvReport, parseCvReport, parseTuningReport } from "../../report/index.js";
import { FoldwiseError } from "../../types/index.js";
import { kindOf } from "../session.js";

/** A configuration that a cross-validation of the runs folder has tried. */
export interface Trial {
  run: Run;
  job: RunJob;
  /** Null where it cannot be read. */
  report: CvReport | null;
}

/** What a run's own jobs of one symbol and horizon were tried beside. */
export interface Trials {
  /** Each configuration once: the run's own first, then those of the other runs, the newest first. */
  trials: Trial[];
  /** How many of them are the run's own. */
  ofThisRun: number;
  /** Those that somebody says to have tried elsewhere: the most that this run or one of the others was told of. */
  prior: number;
  /** Trials of tuning studies, each study once: begun, whatever became of them. */
  ofStudies: number;
  /** Runs whose `run.json` cannot be read, so that nobody knows what they tried. */
  damaged: string[];
}

/**
 * All finished jobs of the folder's cross-validations with the symbol and horizon, whose tested time overlaps. The same
 * configuration on the same rows counts once; one whose report cannot be read counts too, for it may well have been looked at.
 */
export function trialsOf(run: Run, { symbol, horizon }: { symbol: string; horizon: number }): Trials {
  const others = Run.list(run.runsDir).filter((other) => other.id !== run.id && kindOf(other) === "cv");
  const all = [run, ...others.reverse()].flatMap((each) =>
    each.file.jobs
      .filter((job) => job.status === "succeeded" && job.symbol === symbol && job.horizon === horizon)
      .map((job): Trial => ({ run: each, job, report: reportOf(each, job) })),
  );
  const own = all.flatMap((trial) => (trial.run === run && trial.report !== null ? [testedTime(trial.report)] : []));
  const overlaps = ({ report }: Trial): boolean => {
    if (report === null) return true;
    const { from, to } = testedTime(report);
    return own.some((range) => range.from <= to && range.to >= from);
  };
  const seen = new Set<string>();
  const trials = all.filter((trial) => {
    const key = keyOf(trial);
    if (seen.has(key) || !overlaps(trial)) return false;
    seen.add(key);
    return true;
  });
  const prior = Math.max(0, ...trials.map(({ report }) => report?.prior_trials ?? 0));
  const ofThisRun = trials.filter((trial) => trial.run === run).length;
  const ofStudies = studyTrials(run, { symbol, horizon }, own);
  return { trials, ofThisRun, prior, ofStudies, damaged: Run.damaged(run.runsDir).map(({ id }) => id) };
}

/** Trials of the folder's tuning runs with the symbol and horizon, whose tested time overlaps; a study that several runs have gone on with counts once. */
function studyTrials(
  run: Run,
  { symbol, horizon }: { symbol: string; horizon: number },
  own: readonly { from: string; to: string }[],
): number {
  const studies = new Map<string, number>();
  for (const other of Run.list(run.runsDir)) {
    if (kindOf(other) !== "tune") continue;
    for (const job of other.file.jobs) {
      if (job.symbol !== symbol || job.horizon !== horizon || job.report === null) continue;
      const report = readable(() => parseTuningReport(readRegular(join(other.dir, job.report!)), job.report!));
      const cv = reportOf(other, { ...job, report: report?.files.cv ?? null });
      if (report === null || cv === null) continue;
      const tested = testedTime(cv);
      if (!own.some((range) => range.from <= tested.to && range.to >= tested.from)) continue;
      const key = JSON.stringify(report.study);
      studies.set(key, Math.max(studies.get(key) ?? 0, report.trials.length));
    }
  }
  return [...studies.values()].reduce((sum, trials) => sum + trials, 0);
}

function reportOf(run: Run, { report }: RunJob): CvReport | null {
  if (report === null) return null;
  const path = join(run.dir, report);
  return readable(() => parseCvReport(readRegular(path), path));
}

/** Null for what cannot be read. Of the run itself it would have been told before; of another one it is no reason to end this one. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FoldwiseError || (error instanceof Error && "code" in error)) return null;
    throw error;
  }
}

/** From the first tested row to the last; ISO stamps of one form, which sort as text. */
export function testedTime({ folds }: CvReport): { from: string; to: string } {
  const times = folds.flatMap(({ test }) => [test.from, test.to]).filter((time) => time !== null);
  return times.reduce(({ from, to }, time) => ({ from: time < from ? time : from, to: time > to ? time : to }), {
    from: times[0] ?? "",
    to: times[0] ?? "",
  });
}

/** What makes a configuration: another seed or scheme is another look at the data, too. */
function keyOf({ run, job, report }: Trial): string {
  if (report === null) return `${run.id} ${job.job}`;
  const { model_name, configuration, seeds, scheme, embargo, data } = report;
  const { model_params, training } = configuration;
  return sha256(JSON.stringify([model_name, model_params, training, seeds, scheme, embargo, data.fingerprint]));
}
