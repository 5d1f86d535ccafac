import { type Command, Option } from "commander";
import type { DateOrder, PartName } from "../types/index.js";
import { collect, examples, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";

export interface PredictOptions {
  modelDir: string;
  data?: string;
  bars?: string;
  symbol?: string;
  part: PartName | "all";
  out: string;
  plugin?: string[];
  featurePlugin?: string[];
  rolls?: string;
  dateOrder?: DateOrder;
}

export function predictCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("predict")
      .description("predict with a bundle, in plain Node: prepared rows (--data) or raw bars (--bars)")
      .requiredOption("--model-dir <dir>", "a bundle: the folder of one model in a run")
      .option("--data <file-or-dir>", "prepared rows: one file, or a data folder with --symbol")
      .option("--bars <file>", "raw OHLCV bars; features are made as the bundle's pipeline.json says")
      .option("--rolls <file>", "contract rolls of --bars, where they have no contract column")
      .addOption(dateOrderOption("as in the bars trained on"))
      .option("--symbol <name>", "which symbol of a data folder")
      .addOption(
        new Option("--part <which>", "which rows of a data folder")
          .choices(["all", "train", "val", "test"])
          .default("all"),
      )
      .option(
        "--feature-plugin <file>",
        "module that computes features of --bars; may be repeated (default: features.plugins of config/prepare.yaml)",
        collect,
      )
      .requiredOption("--out <file>", "where to write: .parquet or .csv"),
    "plugin",
  ).addHelpText(
    "after",
    examples(
      "foldwise predict --model-dir experiments/runs/RUN/models/xgboost_MES_h20 --bars new_bars.csv --out p.csv",
      "foldwise predict --model-dir experiments/runs/RUN/models/xgboost_MES_h20 --data data/datasets --symbol MES --out p.parquet",
    ),
  );
  runs<PredictOptions>(command, async () => (await import("./actions/predict.js")).predict);
}
