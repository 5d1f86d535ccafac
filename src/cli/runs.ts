import type { Command } from "commander";
import { examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

export interface RunsOptions {
  runs?: string;
}

export function runsCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("runs [run-ids...]")
      .description("list all runs, or compare the models of the runs named (on rows they have in common)"),
    "runsDir",
  ).addHelpText("after", examples("foldwise runs", "foldwise runs 20260101_120000 20260102_090000"));
  runs<RunsOptions>(command, async () => (await import("./actions/runs.js")).listRuns);
}
