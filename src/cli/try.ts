import { join } from "node:path";
import { type Command, Option } from "commander";
import type { BarTime, DateOrder } from "../types/index.js";
import { examples, positiveInteger, runs } from "./command.js";
import { dateOrderOption, sharedFlags } from "./flags.js";

export interface TryOptions {
  symbol: string;
  horizon: number;
  barTime?: BarTime;
  tz?: string;
  dateOrder?: DateOrder;
  rolls?: string;
  out: string;
  runs?: string;
  seed?: number;
  allowSmall?: boolean;
  test: boolean;
}

export function tryCommand(program: Command): void {
  const command = program
    .command("try <bars>")
    .description("the first contact: from a file of bars to an answer, in one command")
    .requiredOption("--symbol <name>", "the symbol of the bars; its hours and costs come from config/symbols.yaml")
    .option("--horizon <bars>", "label horizon, one of those prepared", positiveInteger, 20)
    .addOption(
      new Option("--bar-time <which>", "which moment of a bar its stamp names (default: guessed, and said)").choices([
        "open",
        "close",
      ]),
    )
    .option("--tz <zone>", "zone of stamps that have none, e.g. America/Chicago (default: UTC)")
    .addOption(dateOrderOption("the file tells, or it is refused"))
    .option("--rolls <file>", "contract rolls: timestamp,contract[,old_price,new_price] (default: a contract column)")
    .option("--out <dir>", "data folder of the prepared rows", join("data", "try"));
  sharedFlags(command, "allowSmall", "runsDir", "seed", "noTest").addHelpText(
    "after",
    examples(
      "foldwise try bars.csv --symbol MES",
      "foldwise try bars.csv --symbol ETHBTC --bar-time open --horizon 10",
    ),
  );
  runs<TryOptions>(command, async () => (await import("./actions/try.js")).firstContact);
}
