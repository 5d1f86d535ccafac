import { join } from "node:path";
import { type AnsweredRowNumbers, readAnsweredRows } from "../../data/index.js";
import { fittedRows, type PlannedJob, type PlannedSymbol } from "../../training/index.js";
import type { StoredDataset } from "../../types/index.js";
import { stopSlice } from "../../validation/index.js";
import { type CheckResult, type Finding, finding, SHOWN_ROWS } from "../subject.js";
import { number } from "../words.js";

const TEST_PARTS = { val_stop: "stop", val_calibrate: "calibrate", test: "test" } as const;

/** One set of rows that a job fitted, and what its predictions file must answer for it. */
interface Use {
  name: string;
  fit: Int32Array;
  /** As the report has it; the number of rows, and their first and last moment. */
  reported: { rows: number; from: string | null; to: string | null };
  answered: { name: string; planned: Int32Array; recorded: Int32Array }[];
}

/**
 * What a run wrote down against its plan: the rows that its reports say were fitted, and those that its predictions answer. No row
 * may be both.
 */
export async function checkRun(runDir: string, planned: PlannedSymbol): Promise<CheckResult> {
  const findings: Finding[] = [];
  let answered = 0;
  for (const job of planned.jobs) {
    const path = job.job.predictions;
    if (path === null) continue;
    const recorded = await readAnsweredRows(join(runDir, path));
    answered += recorded.rows.length;
    for (const use of usesOf(planned, job, recorded)) findings.push(...judged(job.job.job, use, planned.dataset));
  }
  const looked = `${number(planned.jobs.length)} job${planned.jobs.length === 1 ? "" : "s"}: reported rows and ${number(answered)} answers against the plan`;
  return { check: "run", looked, skipped: false, findings };
}

function usesOf(planned: PlannedSymbol, job: PlannedJob, recorded: AnsweredRowNumbers): Use[] {
  const where = (test: (i: number) => boolean): Int32Array =>
    Int32Array.from(new Set([...recorded.rows.keys()].filter(test).map((i) => recorded.rows[i]!))).sort();
  if (planned.kind === "train" && job.kind === "train") {
    const { rows, from, to } = job.report.rows.train;
    const parts = Object.entries(TEST_PARTS).flatMap(([part, name]) => {
      const own = where((i) => recorded.parts[i] === part);
      return part === "test" && own.length === 0 ? [] : [{ name, planned: planned.plan[name], recorded: own }];
    });
    const fit = ofModel(planned.dataset, planned.plan.train, job);
    return [{ name: "train", fit, reported: { rows, from, to }, answered: parts }];
  }
  if (planned.kind !== "cv" || job.kind !== "cv") return [];
  const { plan, dataset } = planned;
  return job.report.folds.flatMap((fold) => {
    const own = plan.folds.find((each) => each.fold === fold.fold);
    if (own === undefined) return [];
    const train = fold.stop === null ? own.train : stopSlice(plan, own.train).fit;
    const tested = where((i) => recorded.folds[i] === fold.fold);
    return [
      {
        name: `fold ${fold.fold + 1}`,
        fit: ofModel(dataset, train, job),
        reported: fold.fit,
        answered: [{ name: "test", planned: own.test, recorded: tested }],
      },
    ];
  });
}

/** The rows that reports count: of a sequence model those that end a window, of others all. */
function ofModel(dataset: StoredDataset, train: Int32Array, job: PlannedJob): Int32Array {
  const windowed = typeof job.report.configuration.training.seq_len === "number";
  return windowed ? fittedRows(dataset, train, job) : train;
}

function judged(job: string, { name, fit, reported, answered }: Use, dataset: StoredDataset): Finding[] {
  const findings: Finding[] = [];
  const times = dataset.timestamps();
  const iso = (row: number | undefined): string | null =>
    row === undefined ? null : new Date(times[row]! / 1000).toISOString();
  const [from, to] = [iso(fit[0]), iso(fit.at(-1))];
  if (reported.rows !== fit.length || reported.from !== from || reported.to !== to) {
    findings.push(
      finding(
        "run",
        "suspect",
        `${job}, ${name}: the report counts ${number(reported.rows)} fitted rows (${reported.from} to ${reported.to}); its configuration plans ${number(fit.length)} (${from} to ${to}). What was fitted is not known.`,
        "Fit it again; another version of Foldwise may have planned other rows.",
        { split: `${job} ${name}`, evidence: { reported: reported.rows, planned: fit.length } },
      ),
    );
  }
  const fitted = new Set(fit);
  for (const { name: other, planned, recorded } of answered) {
    const both = recorded.filter((row) => fitted.has(row));
    if (both.length > 0) {
      findings.push(
        finding(
          "run",
          "certain",
          `${job}, ${name}: ${number(both.length)} rows were fitted and answered as ${other}.`,
          "Judge a model by rows that it was not fitted on; fit it again.",
          {
            split: `${job} ${name} / ${other}`,
            evidence: { rows: both.length },
            rows: [...both.subarray(0, SHOWN_ROWS)],
          },
        ),
      );
    } else if (!equal(planned, recorded)) {
      findings.push(
        finding(
          "run",
          "suspect",
          `${job}, ${name}: the predictions answer ${number(recorded.length)} rows of ${other}, the plan has ${number(planned.length)}.`,
          "Fit it again; its files are not those of its configuration.",
          { split: `${job} ${name} / ${other}`, evidence: { answered: recorded.length, planned: planned.length } },
        ),
      );
    }
  }
  return findings;
}

const equal = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((row, i) => row === b[i]);
