import { tuneRun } from "../../training/index.js";
import type { CommandContext } from "../command.js";
import type { TuneOptions } from "../tune.js";
import { fitRequest } from "./fitRequest.js";
import { printTuning } from "./outcome.js";

export async function tune(context: CommandContext, options: TuneOptions): Promise<number> {
  const flags = {
    "tuning.trials": options.trials,
    "tuning.timeout": options.timeout,
    "tuning.sampler": options.sampler,
    "tuning.pruner": options.pruner,
    "tuning.metric": options.metric,
    "tuning.refit": options.refit,
    "tuning.nested": options.nested,
    "tuning.pbo": options.pbo,
    "validation.scheme": options.scheme,
    "validation.folds": options.folds,
  };
  return printTuning(
    context.output,
    await tuneRun({
      ...fitRequest(context, options, flags),
      noTest: !options.test,
      fresh: options.new === true,
      writeConfig: options.writeConfig === true,
      ...(options.studies === undefined ? {} : { studies: options.studies }),
    }),
  );
}
