import type { Command } from "commander";
import { commaList, examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

export interface ReportOptions {
  runs?: string;
  model?: string[];
  against?: string;
}

export function reportCommand(program: Command): void {
  const command = sharedFlags(
    program.command("report <run-id>").description("show the reports of a run, the head line first"),
    "runsDir",
  )
    .option("--model <names>", "only these models, comma-separated", commaList)
    .option("--against <run-id>", "compare a cross-validation with another one, on the rows that both have answered")
    .addHelpText(
      "after",
      examples(
        "foldwise report 20260101_120000 --model xgboost",
        "foldwise report 20260101_120000 --against 20260102_090000",
      ),
    );
  runs<ReportOptions>(command, async () => (await import("./actions/report.js")).report);
}
