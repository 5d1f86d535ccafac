import { type Command, Option } from "commander";
import { examples, positiveInteger, runs, wholeNumber, wholeNumbers } from "./command.js";
import { FIT_FLAGS, type FitOptions } from "./fitFlags.js";
import { sharedFlags } from "./flags.js";

export interface CvOptions extends FitOptions {
  scheme?: string;
  folds?: number;
  seeds?: number[];
  window?: string;
  trainRows?: number;
  testRows?: number;
  period?: string;
  trainPeriods?: number;
  groups?: number;
  testGroups?: number;
  priorTrials?: number;
}

export function cvCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("cv")
      .description(
        "cross-validate models on rows of train and validation, purged and embargoed; the test part stays closed",
      ),
    "model",
    "symbol",
    "horizon",
  )
    .option("--seq-len <bars>", "window of sequence models", positiveInteger)
    .addOption(
      new Option("--scheme <name>", "kfold (default), walk-forward, or cpcv: every choice of test groups").choices([
        "kfold",
        "walk-forward",
        "cpcv",
      ]),
    )
    .option("--folds <n>", "folds, or steps of walk-forward (default: 5)", positiveInteger)
    .option("--seeds <list>", "fit all folds once for each, comma-separated (default: --seed)", wholeNumbers)
    .addOption(
      new Option(
        "--window <which>",
        "walk-forward: train on all of the past, or on a window (default: expanding)",
      ).choices(["expanding", "rolling"]),
    )
    .option("--train-rows <n>", "walk-forward by rows: training rows of the first step", positiveInteger)
    .option("--test-rows <n>", "walk-forward by rows: tested rows of a step", positiveInteger)
    .addOption(
      new Option("--period <name>", "walk-forward by calendar: what a step tests (UTC)").choices([
        "day",
        "week",
        "month",
        "quarter",
        "year",
      ]),
    )
    .option(
      "--train-periods <n>",
      "walk-forward by calendar: periods before the first tested one (default: 1)",
      positiveInteger,
    )
    .option("--groups <n>", "cpcv: groups of rows (default: 10)", positiveInteger)
    .option("--test-groups <k>", "cpcv: groups that a split tests (default: 2)", positiveInteger)
    .option(
      "--prior-trials <n>",
      "configurations tried before or elsewhere, beside those of the runs folder (default: 0)",
      wholeNumber,
    );
  sharedFlags(command, ...FIT_FLAGS).addHelpText(
    "after",
    examples(
      "foldwise cv --model lightgbm --folds 5 --embargo 1440 --symbol MES --horizon 20",
      "foldwise cv --model xgboost,logistic --symbol MES --horizon 20 --seeds 1,2,3",
      "foldwise cv --model lightgbm --symbol MES --horizon 20 --scheme walk-forward --period month --train-periods 6",
      "foldwise cv --model logistic --symbol MES --horizon 20 --scheme cpcv --groups 6 --test-groups 2",
    ),
  );
  runs<CvOptions>(command, async () => (await import("./actions/cv.js")).cv);
}
