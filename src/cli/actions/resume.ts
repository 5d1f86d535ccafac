import { resumeRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { ResumeOptions } from "../resume.js";
import { printCv, printOutcome } from "./outcome.js";

export async function resume({ output, signal, cwd, args }: CommandContext, options: ResumeOptions): Promise<number> {
  const result = await resumeRun({
    cwd,
    runId: args[0] ?? "",
    signal,
    fresh: options.fresh ?? false,
    onEvent: output.event,
    ...(options.runs === undefined ? {} : { runsDir: options.runs }),
  });
  return result.kind === "cv" ? printCv(output, result) : printOutcome(output, result);
}
