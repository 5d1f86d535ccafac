import type { Command } from "commander";
import { trainRun } from "../training/index.js";
import { type CommandContext, examples, positiveInteger, runs } from "./command.js";
import { FIT_FLAGS, type FitOptions, fitRequest } from "./fitRequest.js";
import { sharedFlags } from "./flags.js";
import { printModels } from "./models.js";
import { printOutcome } from "./outcome.js";

interface Options extends FitOptions {
  listModels?: boolean;
  test: boolean;
}

export function trainCommand(program: Command): void {
  const command = sharedFlags(
    program.command("train").description("train models on prepared data: any models × symbols × horizons"),
    "model",
    "symbol",
    "horizon",
  ).option("--seq-len <bars>", "window of sequence models", positiveInteger);
  sharedFlags(command, ...FIT_FLAGS, "noTest")
    .option("--list-models", "list the models and stop")
    .addHelpText(
      "after",
      examples(
        "foldwise train --model xgboost --horizon 20 --symbol MES",
        "foldwise train --model all --horizon 20",
        "foldwise train --model xgboost,logistic --symbol MES,MGC --horizon 5,20 --preset reference",
        "foldwise train --list-models",
      ),
    );
  runs<Options>(command, async (context, options) => {
    if (options.listModels === true) return printModels(context.output, context.cwd, options.plugin ?? []);
    return train(context, options);
  });
}

async function train(context: CommandContext, options: Options): Promise<number> {
  return printOutcome(context.output, await trainRun({ ...fitRequest(context, options), noTest: !options.test }));
}
