import type { Run, RunJob } from "../../artifacts/index.js";
import { commonRows } from "../../evaluation/index.js";
import { type AgainstReport, buildAgainst, type CvReport } from "../../report/index.js";
import { FoldwiseError } from "../../types/index.js";
import { readReports } from "../reports.js";
import { kindOf } from "../session.js";
import { durationsOf, resultsOf } from "./results.js";

interface Answered {
  run: Run;
  job: RunJob;
  report: CvReport;
}

/**
 * Models of two cross-validations of the same rows: each one that both runs have, and the best-placed of the one run beside the
 * best-placed of the other.
 *
 * @param models Only these.
 * @throws FoldwiseError `usage.not_comparable` where the runs have no symbol, horizon, dataset or row in common.
 */
export async function compareRuns(
  run: Run,
  other: Run,
  { models }: { models?: readonly string[] | undefined } = {},
): Promise<AgainstReport[]> {
  if (run.id === other.id) throw notComparable(`Run ${run.id} is itself.`, "Name another run with --against.");
  const [ours, theirs] = [run, other].map((each) => answersOf(each, models)) as [Answered[], Answered[]];
  const pairs = pairsOf(ours, theirs);
  if (pairs.length === 0) {
    throw notComparable(
      `Runs ${run.id} and ${other.id} have no symbol and horizon in common: ${placesOf(ours)}; ${placesOf(theirs)}.`,
      "Name two runs of `foldwise cv` with the same symbol and horizon.",
    );
  }
  for (const pair of pairs) refuseOtherData(pair);
  const reports: AgainstReport[] = [];
  for (const [first, second] of pairs) {
    const common = commonRows([
      await resultsOf(first.run, first.job, "oof"),
      await resultsOf(second.run, second.job, "oof"),
    ]);
    if (common.timestamps.length === 0) {
      throw notComparable(
        `${first.job.job} of ${run.id} and ${second.job.job} of ${other.id} have answered no common row.`,
        "Cross-validate both by schemes that test the same time.",
      );
    }
    const durations = durationsOf(common);
    const seed = run.file.seed;
    reports.push(buildAgainst({ first: first.report, second: second.report, common, durations, seed }));
  }
  return reports;
}

function answersOf(run: Run, models: readonly string[] | undefined): Answered[] {
  const read = kindOf(run) === "cv" ? readReports(run) : null;
  if (read?.kind !== "cv") {
    throw notComparable(
      `Run ${run.id} is no cross-validation, and only those keep the out-of-fold answers of what was asked.`,
      "Name two runs of `foldwise cv`; `foldwise runs` lists them.",
    );
  }
  const finished = run.file.jobs.filter(({ status, report }) => status === "succeeded" && report !== null);
  const answered = finished
    .map((job, i) => ({ run, job, report: read.reports[i]! }))
    .filter(({ job }) => models?.includes(job.model) ?? true);
  if (answered.length > 0) return answered;
  throw new FoldwiseError("usage.no_report", `Run ${run.id} has no report of ${models?.join(", ") ?? "any model"}.`, {
    remedy:
      finished.length === 0
        ? `None of its jobs has succeeded; finish it with: ${run.resumeCommand}`
        : `It has: ${[...new Set(finished.map(({ model }) => model))].join(", ")}.`,
  });
}

function pairsOf(ours: readonly Answered[], theirs: readonly Answered[]): [Answered, Answered][] {
  const same = (a: Answered, b: Answered): boolean => a.job.symbol === b.job.symbol && a.job.horizon === b.job.horizon;
  const bestOf = (all: readonly Answered[], like: Answered): Answered | undefined =>
    all
      .filter((each) => same(each, like))
      .sort((a, b) => a.report.cv.metrics.log_loss - b.report.cv.metrics.log_loss)[0];
  return ours.flatMap((first): [Answered, Answered][] => {
    const namesake = theirs.find((second) => same(first, second) && second.job.model === first.job.model);
    const best = bestOf(theirs, first);
    const leads = first === bestOf(ours, first) && best !== undefined && best !== namesake;
    return [
      ...(namesake === undefined ? [] : [[first, namesake] as [Answered, Answered]]),
      ...(leads ? [[first, best] as [Answered, Answered]] : []),
    ];
  });
}

/** Other features or labels make other rows, though their times are the same. */
function refuseOtherData([first, second]: [Answered, Answered]): void {
  const [ours, theirs] = [first, second].map(({ report }) => report.data.fingerprint);
  if (ours === theirs) return;
  const short = (fingerprint: string | null | undefined): string => fingerprint?.slice(0, 12) ?? "unknown";
  throw notComparable(
    `${first.job.symbol} is another dataset in run ${first.run.id} (${short(ours)}) than in run ${second.run.id} (${short(theirs)}).`,
    "Cross-validate both on the same data: the same file in --data.",
  );
}

const placesOf = (answered: readonly Answered[]): string =>
  `${answered[0]!.run.id} has ${[...new Set(answered.map(({ job }) => `${job.symbol} h${job.horizon}`))].join(", ")}`;

const notComparable = (message: string, remedy: string): FoldwiseError =>
  new FoldwiseError("usage.not_comparable", message, { remedy });
