import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Run, type RunJob, runsFlag } from "../../artifacts/index.js";
import {
  formatCvLeaderboard,
  formatCvReport,
  formatLeaderboard,
  formatReport,
  formatSelection,
  formatTuningBoard,
  formatTuningReport,
  type Report,
} from "../../report/index.js";
import { type CvRunResult, readSelections, type TrainRunResult, type TuneRunResult } from "../../training/index.js";
import type { Output } from "../output.js";

/** What `train` and `resume` say at the end, and the exit code. */
export function printOutcome(output: Output, { run, reports }: TrainRunResult): number {
  const { jobs, status } = run.file;
  output.print("");
  const [only] = reports;
  if (jobs.length === 1 && only !== undefined) output.print(formatReport(only));
  else if (reports.length > 0) output.print(formatLeaderboard(reports));
  printSelections(output, run);
  printEnd(output, run);
  const best = bestJob(jobs, reports);
  if (best !== undefined) {
    const knowsBars = readFileSync(join(run.dir, best.bundle ?? "", "pipeline.json"), "utf8").trim() !== "null";
    const rows = knowsBars ? "--bars BARS" : "--data ROWS";
    output.print(`Next: foldwise predict --model-dir ${run.dir}/${best.bundle} ${rows} --out predictions.csv`);
  }
  output.result({
    event: "finished",
    status,
    run_id: run.id,
    run_dir: run.dir,
    models: jobs.map(({ job, model, symbol, horizon, status, bundle, report, predictions, error }) => ({
      job,
      model,
      symbol,
      horizon,
      status,
      bundle: bundle === null ? null : `${run.dir}/${bundle}`,
      report: report === null ? null : `${run.dir}/${report}`,
      predictions: predictions === null ? null : `${run.dir}/${predictions}`,
      error,
      test:
        reports.find((r) => r.model_name === model && r.symbol === symbol && r.horizon === horizon)?.test_metrics ??
        null,
    })),
  });
  return exitCode(jobs);
}

/** What `cv` says at the end, also when it was resumed, and the exit code. */
export function printCv(output: Output, { run, reports }: CvRunResult): number {
  const { jobs, status } = run.file;
  output.print("");
  const [only] = reports;
  if (jobs.length === 1 && only !== undefined) output.print(formatCvReport(only));
  else if (reports.length > 0) output.print(formatCvLeaderboard(reports));
  printSelections(output, run);
  printEnd(output, run);
  output.result({
    event: "finished",
    status,
    run_id: run.id,
    run_dir: run.dir,
    models: jobs.map(({ job, model, symbol, horizon, status, report, predictions, error }) => ({
      job,
      model,
      symbol,
      horizon,
      status,
      report: report === null ? null : `${run.dir}/${report}`,
      oof: predictions === null ? null : `${run.dir}/${predictions}`,
      error,
      cv:
        reports.find((r) => r.model_name === model && r.symbol === symbol && r.horizon === horizon)?.cv.metrics ?? null,
    })),
  });
  return exitCode(jobs);
}

/** What `tune` says at the end, also when it was resumed, and the exit code. */
export function printTuning(output: Output, { run, reports }: TuneRunResult): number {
  const { jobs, status } = run.file;
  output.print("");
  const [only] = reports;
  if (jobs.length === 1 && only !== undefined) output.print(formatTuningReport(only));
  else if (reports.length > 0) output.print(formatTuningBoard(reports));
  printEnd(output, run);
  if (only !== undefined) {
    const { model_name, symbol, horizon } = only;
    output.print(
      `Next: foldwise train --model ${model_name} --symbol ${symbol} --horizon ${horizon} --tuned${runsFlag(run.runsDir)}`,
    );
  }
  output.result({
    event: "finished",
    status,
    run_id: run.id,
    run_dir: run.dir,
    models: jobs.map(({ job, model, symbol, horizon, status, bundle, report, predictions, error }) => {
      const own = reports.find((r) => r.model_name === model && r.symbol === symbol && r.horizon === horizon);
      return {
        job,
        model,
        symbol,
        horizon,
        status,
        bundle: bundle === null ? null : `${run.dir}/${bundle}`,
        report: report === null ? null : `${run.dir}/${report}`,
        predictions: predictions === null ? null : `${run.dir}/${predictions}`,
        tuned: own === undefined ? null : `${run.dir}/${own.files.config}`,
        study: own?.study.file ?? null,
        error,
        cv: own?.cv.metrics ?? null,
        best: own?.best ?? null,
        test: own?.refit.test ?? null,
      };
    }),
  });
  return exitCode(jobs);
}

/** What has failed, how many have not, and where all of it lies. */
function printEnd(output: Output, { file: { jobs }, dir }: Run): void {
  const failed = jobs.filter((job) => job.status !== "succeeded");
  for (const { job, error } of failed) output.failure(`${job}: ${error?.message ?? "not finished"}`, error?.remedy);
  output.print(`${jobs.length - failed.length} of ${jobs.length} jobs succeeded. Run: ${dir}`);
}

/** The models of each symbol and horizon beside one another. */
function printSelections(output: Output, run: Run): void {
  for (const text of readSelections(run).map(formatSelection)) if (text !== "") output.print(text);
}

/** As leaderboards are ordered: by the calibrate rows, since the order of the test figures is no choice to be made; what was tuned over them last. */
export const byCalibrate = (reports: readonly Report[]): Report[] =>
  [...reports].sort(
    (a, b) =>
      Number(a.tuned !== null) - Number(b.tuned !== null) ||
      a.validation.calibrate.metrics.log_loss - b.validation.calibrate.metrics.log_loss,
  );

/** The job at the head of the first leaderboard; losses of several symbols or horizons do not compare. */
export function bestJob(jobs: readonly RunJob[], reports: readonly Report[]): RunJob | undefined {
  const finished = jobs.filter(({ status }) => status === "succeeded");
  const [first] = finished;
  if (first === undefined) return undefined;
  const { symbol, horizon } = first;
  const [best] = byCalibrate(reports.filter((report) => report.symbol === symbol && report.horizon === horizon));
  return finished.find((job) => job.model === best?.model_name && job.symbol === symbol && job.horizon === horizon);
}

/** In a grid one job's bad data is that job's failure; a single job that was refused before its fit is a refused call. */
function exitCode(jobs: readonly RunJob[]): number {
  const failed = jobs.filter(({ status }) => status !== "succeeded");
  if (failed.length === 0) return 0;
  const [category = ""] = failed[0]?.error?.code.split(".") ?? [];
  return jobs.length === 1 && ["usage", "config", "data", "model"].includes(category) ? 2 : 1;
}
