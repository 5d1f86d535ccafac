import type { Command } from "commander";
import { DEFAULT_RUNS, Run } from "../artifacts/index.js";
import { formatLeaderboard, formatReport } from "../report/index.js";
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
    const all = readReports(run);
    const reports = all.filter(({ model_name }) => options.model?.includes(model_name) ?? true);
    if (reports.length === 0) {
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
    if (reports.length > 1) output.print(formatLeaderboard(reports));
    for (const report of reports) output.print(formatReport(report));
    output.result({ event: "finished", status: "succeeded", run_id: run.id, reports });
  });
}
