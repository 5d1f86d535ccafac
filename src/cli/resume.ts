import type { Command } from "commander";
import { examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

export interface ResumeOptions {
  runs?: string;
  fresh?: boolean;
}

export function resumeCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("resume <run-id>")
      .description("finish a run that was interrupted, killed, or had failures; what succeeded is not fitted again"),
    "runsDir",
  )
    .option("--fresh", "begin unfinished fits anew, not from their last epochs (checkpoints are deleted)")
    .addHelpText("after", examples("foldwise resume 20260101_120000"));
  runs<ResumeOptions>(command, async () => (await import("./actions/resume.js")).resume);
}
