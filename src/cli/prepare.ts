import { type Command, Option } from "commander";
import type { BarTime, DateOrder } from "../types/index.js";
import { collect, commaList, examples, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";

export interface PrepareOptions {
  symbol: string;
  horizons?: string[];
  barTime?: BarTime;
  tz?: string;
  dateOrder?: DateOrder;
  out: string;
  layout: "series" | "splits" | "both";
  config?: string;
  set?: string[];
  rolls?: string;
  adjust?: string;
  outsideSession?: string;
  allowSmall?: boolean;
}

export function prepareCommand(program: Command): void {
  const command = program
    .command("prepare <bars>")
    .description("turn OHLCV bars (CSV or Parquet) into features, labels, weights and split borders")
    .requiredOption("--symbol <name>", "the symbol that the dataset is stored under")
    .addOption(
      new Option("--bar-time <which>", "which moment of a bar its stamp names; required for intraday bars").choices([
        "open",
        "close",
      ]),
    )
    .option(
      "--horizons <list>",
      "label horizons: bars or lengths such as 100m, 4h, 1d (default: 5,10,15,20)",
      commaList,
    )
    .option("--tz <zone>", "zone of stamps that have none, e.g. America/Chicago (default: UTC)")
    .addOption(dateOrderOption("the file tells, or it is refused"))
    .option("--out <dir>", "data folder; datasets/ and splits/scaled/ are written below it", "data")
    .addOption(
      new Option("--layout <which>", "one series with borders, three split files, or both")
        .choices(["series", "splits", "both"])
        .default("series"),
    )
    .option(
      "--config <file>",
      "YAML with features:, label:, weights:, split: (default: config/prepare.yaml, if there is one)",
    )
    .option("--rolls <file>", "contract rolls: timestamp,contract[,old_price,new_price] (default: a contract column)")
    .addOption(
      new Option("--adjust <how>", "how successive contracts are joined (default: ratio)").choices([
        "ratio",
        "difference",
        "none",
      ]),
    )
    .addOption(
      new Option("--outside-session <which>", "bars outside of the symbol's sessions (default: drop)").choices([
        "drop",
        "keep",
      ]),
    )
    .option("--set <key=value>", "any key of that file, e.g. label.k=0.7; may be repeated", collect);
  sharedFlags(command, "allowSmall").addHelpText(
    "after",
    examples(
      "foldwise prepare bars.csv --symbol MES --bar-time open --horizons 5,10,15,20",
      "foldwise prepare bars.parquet --symbol MES --bar-time close --layout both --set label.target_neutral=0.3",
    ),
  );
  runs<PrepareOptions>(command, async () => (await import("./actions/prepare.js")).prepare);
}
