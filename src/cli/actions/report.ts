import { DEFAULT_RUNS, Run } from "../../artifacts/index.js";
import {
  formatAgainst,
  formatCvLeaderboard,
  formatCvReport,
  formatLeaderboard,
  formatReport,
  formatSelection,
  formatTuningBoard,
  formatTuningReport,
} from "../../report/index.js";
import { compareRuns, type RunReports, readReports, readSelections } from "../../training/index.js";
import { FoldwiseError } from "../../types/index.js";
import type { CommandContext } from "../command.js";
import type { ReportOptions } from "../report.js";

export async function report({ output, args }: CommandContext, options: ReportOptions): Promise<void> {
  const folder = options.runs ?? DEFAULT_RUNS;
  const run = Run.open(folder, args[0] ?? "");
  if (options.against !== undefined) return printAgainst(output, run, Run.open(folder, options.against), options);
  const read = readReports(run);
  const all: readonly { model_name: string }[] = read.reports;
  const wanted = ({ model_name }: { model_name: string }): boolean => options.model?.includes(model_name) ?? true;
  if (!all.some(wanted)) {
    throw new FoldwiseError(
      "usage.no_report",
      `Run ${run.id} has no report of ${options.model?.join(", ") ?? "any model"}.`,
      {
        remedy:
          all.length === 0
            ? `None of its jobs has succeeded; finish it with: ${run.resumeCommand}`
            : `It has: ${[...new Set(all.map(({ model_name }) => model_name))].join(", ")}.`,
      },
    );
  }
  const text = textOf(read, wanted);
  // Models beside one another: all of the run, or it would be another comparison.
  const selections = options.model === undefined ? readSelections(run) : [];
  output.print([text, ...selections.map(formatSelection)].filter((part) => part !== "").join("\n"));
  output.result({
    event: "finished",
    status: "succeeded",
    run_id: run.id,
    reports: read.reports.filter(wanted),
    selections,
  });
}

async function printAgainst(
  output: CommandContext["output"],
  run: Run,
  other: Run,
  { model }: ReportOptions,
): Promise<void> {
  const against = await compareRuns(run, other, { models: model });
  output.print(against.map(formatAgainst).join("\n\n"));
  output.result({ event: "finished", status: "succeeded", run_id: run.id, against_run_id: other.id, against });
}

function textOf(read: RunReports, wanted: (report: { model_name: string }) => boolean): string {
  switch (read.kind) {
    case "train":
      return shown(read.reports.filter(wanted), formatLeaderboard, formatReport);
    case "cv":
      return shown(read.reports.filter(wanted), formatCvLeaderboard, formatCvReport);
    case "tune":
      return shown(read.reports.filter(wanted), formatTuningBoard, formatTuningReport);
  }
}

/** Several side by side first, then each by itself. */
function shown<R>(reports: readonly R[], side: (reports: readonly R[]) => string, one: (report: R) => string): string {
  return [...(reports.length > 1 ? [side(reports)] : []), ...reports.map(one)].join("\n");
}
