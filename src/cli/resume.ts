import type { Command } from "commander";
import { resumeRun } from "../training/index.js";
import { examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";
import { printCv, printOutcome } from "./outcome.js";

interface Options {
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
  runs<Options>(command, async ({ output, signal, cwd }, options) => {
    const result = await resumeRun({
      cwd,
      runId: command.args[0] ?? "",
      signal,
      fresh: options.fresh ?? false,
      onEvent: output.event,
      ...(options.runs === undefined ? {} : { runsDir: options.runs }),
    });
    return result.kind === "cv" ? printCv(output, result) : printOutcome(output, result);
  });
}
