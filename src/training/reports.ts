import { join } from "node:path";
import type { Run } from "../artifacts/index.js";
import { readRegular } from "../files/index.js";
import {
  type CvReport,
  parseCvReport,
  parseReport,
  parseTuningReport,
  type Report,
  type TuningReport,
} from "../report/index.js";
import { FoldwiseError } from "../types/index.js";
import { kindOf } from "./session.js";

/** A run's reports, by its command. */
export type RunReports =
  | { kind: "train"; reports: Report[] }
  | { kind: "cv"; reports: CvReport[] }
  | { kind: "tune"; reports: TuningReport[] };

/** Reports of the jobs that succeeded, in the order of the run. */
export function readReports(run: Run): RunReports {
  const kind = kindOf(run);
  switch (kind) {
    case "train":
      return { kind, reports: readAll(run, parseReport) };
    case "cv":
      return { kind, reports: readAll(run, parseCvReport) };
    case "tune":
      return { kind, reports: readAll(run, parseTuningReport) };
  }
}

function readAll<R>(run: Run, parse: (text: string, path: string) => R): R[] {
  return run.file.jobs.flatMap(({ status, report }) => {
    if (status !== "succeeded" || report === null) return [];
    const path = join(run.dir, report);
    return [parse(readReport(run, path), path)];
  });
}

function readReport(run: Run, path: string): string {
  try {
    return readRegular(path);
  } catch (cause) {
    throw new FoldwiseError("data.report_missing", `${path} cannot be read.`, {
      remedy: `Restore it, or fit its model again: ${run.resumeCommand}`,
      cause,
    });
  }
}
