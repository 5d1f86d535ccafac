import { cvRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { CvOptions } from "../cv.js";
import { fitRequest } from "./fitRequest.js";
import { printCv } from "./outcome.js";

export async function cv(context: CommandContext, options: CvOptions): Promise<number> {
  const flags = {
    "validation.scheme": options.scheme,
    "validation.folds": options.folds,
    "validation.seeds": options.seeds,
    "validation.window": options.window,
    "validation.train_rows": options.trainRows,
    "validation.test_rows": options.testRows,
    "validation.period": options.period,
    "validation.train_periods": options.trainPeriods,
    "validation.groups": options.groups,
    "validation.test_groups": options.testGroups,
    "validation.prior_trials": options.priorTrials,
  };
  return printCv(context.output, await cvRun(fitRequest(context, options, flags)));
}
