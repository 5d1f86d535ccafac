import type { Command } from "commander";
import { examples, nonNegative, positiveInteger, runs } from "./command.js";
import { FIT_FLAGS, type FitOptions } from "./fitFlags.js";
import { sharedFlags } from "./flags.js";

export interface TrainOptions extends FitOptions {
  calibration?: string;
  level?: number;
  sets?: string;
  signal?: string;
  threshold?: number;
  listModels?: boolean;
  tuned?: boolean;
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
    .option(
      "--level <share>",
      "share of rows whose prediction set is to hold the true class (default: 0.9)",
      nonNegative,
    )
    .option("--sets <method>", "prediction sets: plain (default), class_conditional, or adaptive, for drift")
    .option(
      "--signal <rule>",
      "when to trade: expected_value (default, net of costs), probability (at least the threshold) or set_size (one class)",
    )
    .option("--threshold <share>", "of --signal probability (default: 0.5)", nonNegative)
    .option("--tuned", "settings of the newest `foldwise tune` for the symbol and horizon, from the runs folder")
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
