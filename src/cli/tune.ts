import { type Command, Option } from "commander";
import { examples, positiveInteger, runs } from "./command.js";
import { FIT_FLAGS, type FitOptions } from "./fitFlags.js";
import { sharedFlags } from "./flags.js";

export interface TuneOptions extends FitOptions {
  trials?: number;
  timeout?: string;
  sampler?: string;
  pruner?: string;
  metric?: string;
  scheme?: string;
  folds?: number;
  refit?: string;
  nested?: boolean;
  pbo?: boolean;
  new?: boolean;
  studies?: string;
  writeConfig?: boolean;
  test: boolean;
}

export function tuneCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("tune")
      .description(
        "search a model's parameters by purged cross-validation (Optuna), then fit the best and judge it once on the test rows",
      ),
    "model",
    "symbol",
    "horizon",
  )
    .option("--seq-len <bars>", "window of sequence models", positiveInteger)
    .option(
      "--trials <n>",
      "trials that the study is to hold, those of earlier calls included (default: 50)",
      positiveInteger,
    )
    .option("--timeout <time>", "no trial begins after it: 90s, 30m, 2h; several models share it (default: none)")
    .addOption(
      new Option("--sampler <name>", "tpe (default: learns from finished trials), random, or qmc").choices([
        "tpe",
        "random",
        "qmc",
      ]),
    )
    .addOption(
      new Option(
        "--pruner <name>",
        "ends trials that promise nothing: race by folds, median or hyperband by rounds, none (default: auto, race for losses)",
      ).choices(["auto", "race", "median", "hyperband", "none"]),
    )
    .addOption(
      new Option("--metric <name>", "what the best trial is best at, out of fold (default: logloss)").choices([
        "logloss",
        "brier",
        "accuracy",
        "f1_macro",
        "mcc",
        "sharpe",
      ]),
    )
    .addOption(
      new Option("--scheme <name>", "folds of a trial: kfold (default), walk-forward or cpcv").choices([
        "kfold",
        "walk-forward",
        "cpcv",
      ]),
    )
    .option("--folds <n>", "folds of a trial (default: 5)", positiveInteger)
    .addOption(
      new Option(
        "--refit <rows>",
        "rows of the last fit: train (default), or train_val, which adds those that stop fits, for the median of the folds' rounds",
      ).choices(["train", "train_val"]),
    )
    .option("--nested", "tune inside each outer fold as well: the unbiased estimate, at the price of as many studies")
    .option("--pbo", "finish up to 20 pruned trials afterwards, for the probability of backtest overfitting")
    .option("--new", "begin a new study; one that is there is kept beside it under another name")
    .option("--studies <dir>", "folder of the studies (default: studies, beside the runs folder)")
    .option("--write-config", "copy the best settings to config/tuned/ of the working folder");
  sharedFlags(command, ...FIT_FLAGS, "noTest").addHelpText(
    "after",
    examples(
      "foldwise tune --model lightgbm --symbol MES --horizon 20 --trials 40 --folds 3",
      "foldwise tune --model xgboost,logistic --symbol MES --horizon 20 --timeout 30m --workers 2",
      "foldwise tune --model lightgbm --symbol MES --horizon 20 --metric sharpe --pbo --nested",
      "foldwise train --model lightgbm --symbol MES --horizon 20 --tuned",
    ),
  );
  runs<TuneOptions>(command, async () => (await import("./actions/tune.js")).tune);
}
