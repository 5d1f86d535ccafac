import { join } from "node:path";
import { type Command, Option } from "commander";
import { symbolMarket } from "../config/index.js";
import { formatSummary, type Layout, prepareDataset, summaryToJson } from "../prepare/index.js";
import type { BarTime, DateOrder } from "../types/index.js";
import { collect, commaList, examples, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";
import { readPrepareConfig } from "./prepareConfig.js";

interface Options {
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
  runs<Options>(command, async (context, options) => {
    const input = command.args[0] ?? "";
    const { output, signal, cwd } = context;
    const layouts: Layout[] = options.layout === "both" ? ["series", "splits"] : [options.layout];
    const summary = await prepareDataset({
      input,
      symbol: options.symbol,
      config: readPrepareConfig({
        cwd,
        config: options.config,
        set: options.set,
        flags: {
          horizons: lengths(options.horizons),
          adjust: options.adjust,
          outside_session: options.outsideSession,
        },
      }),
      market: symbolMarket(options.symbol, cwd),
      ...(options.rolls === undefined ? {} : { rolls: options.rolls }),
      allowSmall: options.allowSmall === true,
      ...(options.barTime === undefined ? {} : { barTime: options.barTime }),
      ...(options.tz === undefined ? {} : { timeZone: options.tz }),
      ...(options.dateOrder === undefined ? {} : { dateOrder: options.dateOrder }),
      out: options.out,
      layouts,
      cwd,
      onEvent: output.event,
      signal,
    });
    output.print(formatSummary(summary));
    const horizon = summary.labels.horizons.at(-1)?.horizon ?? 20;
    const data =
      options.out === "data"
        ? ""
        : ` --data ${join(options.out, layouts[0] === "splits" ? "splits/scaled" : "datasets")}`;
    output.print(`Next: foldwise train --model all --symbol ${options.symbol} --horizon ${horizon}${data}`);
    output.result({ event: "finished", status: "succeeded", ...summaryToJson(summary) });
  });
}

/** Bars stay numbers; `4h` is a length that the data's step turns into bars. */
const lengths = (horizons: string[] | undefined) =>
  horizons?.map((length) => (/^\d+$/.test(length) ? Number(length) : length));
