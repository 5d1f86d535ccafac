import type { Command } from "commander";
import { DEFAULT_RUNS, Run } from "../artifacts/index.js";
import { formatCvLeaderboard, formatCvReport, formatLeaderboard, formatReport } from "../report/index.js";
import { readReports } from "../training/index.js";
import { FoldwiseError } from "../types/index.js";
import { commaList, examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

interface Options {
  runs?: string;
  model?: string[];
}

export function reportCommand(program: Command): void {
  const command = sharedFlags(
    program.command("report <run-id>").description("show the reports of a run, the head line first"),
    "runsDir",
  )
    .option("--model <names>", "only these models, comma-separated", commaList)
    .addHelpText("after", examples("foldwise report 20260101_120000 --model xgboost"));
  runs<Options>(command, async ({ output }, options) => {
    const run = Run.open(options.runs ?? DEFAULT_RUNS, command.args[0] ?? "");
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
    const text =
      read.kind === "cv"
        ? shown(read.reports.filter(wanted), formatCvLeaderboard, formatCvReport)
        : shown(read.reports.filter(wanted), formatLeaderboard, formatReport);
    output.print(text);
    output.result({ event: "finished", status: "succeeded", run_id: run.id, reports: read.reports.filter(wanted) });
  });
}

/** Several side by side first, then each by itself. */
function shown<R>(reports: readonly R[], side: (reports: readonly R[]) => string, one: (report: R) => string): string {
  return [...(reports.length > 1 ? [side(reports)] : []), ...reports.map(one)].join("\n");
}
