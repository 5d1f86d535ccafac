import { DEFAULT_RUNS } from "../../artifacts/index.js";
import { trainRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { TrainOptions } from "../train.js";
import { fitRequest } from "./fitRequest.js";
import { printOutcome } from "./outcome.js";

export async function train(context: CommandContext, options: TrainOptions): Promise<number> {
  const { calibration, level, sets, signal, threshold } = options;
  const request = fitRequest(context, options, {
    calibration,
    "decision.level": level,
    "decision.sets": sets,
    "decision.signal": signal,
    "decision.threshold": threshold,
  });
  const tuned = options.tuned === true ? { tunedIn: options.runs ?? DEFAULT_RUNS } : {};
  return printOutcome(context.output, await trainRun({ ...request, ...tuned, noTest: !options.test }));
}
