import { resumeRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { ResumeOptions } from "../resume.js";
import { printCv, printOutcome, printTuning } from "./outcome.js";

export async function resume({ output, signal, cwd, args }: CommandContext, options: ResumeOptions): Promise<number> {
  const result = await resumeRun({
    cwd,
    runId: args[0] ?? "",
    signal,
    fresh: options.fresh ?? false,
    onEvent: output.event,
    ...(options.runs === undefined ? {} : { runsDir: options.runs }),
  });
  switch (result.kind) {
    case "train":
      return printOutcome(output, result);
    case "cv":
      return printCv(output, result);
    case "tune":
      return printTuning(output, result);
  }
}
