import type { Command } from "commander";
import { examples, positiveInteger, runs } from "./command.js";
import { FIT_FLAGS, type FitOptions } from "./fitFlags.js";
import { sharedFlags } from "./flags.js";

export interface TrainOptions extends FitOptions {
  calibration?: string;
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
    .option(
      "--calibration <kind>",
      "auto (default: what helps on purged folds of the calibrate rows), none, temperature, prior, pool or vector",
    )
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
  runs<TrainOptions>(command, async ({ listModels }) =>
    listModels === true ? (await import("./actions/models.js")).listModels : (await import("./actions/train.js")).train,
  );
}
