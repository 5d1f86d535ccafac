import type { Command } from "commander";
import { DEMO_BAR_MINUTES, DEMO_SYMBOLS } from "../data/demo/index.js";
import { examples, positiveInteger, runs, wholeNumber } from "./command.js";

export interface DemoDataOptions {
  symbol: string;
  bars: number;
  bar: string;
  seed: number;
  out: string;
}

export function demoDataCommand(program: Command): void {
  const command = program
    .command("demo-data")
    .description("write synthetic futures-like bars with a planted weak signal")
    .option("--symbol <name>", `${DEMO_SYMBOLS.join(" or ")}`, "MES")
    .option("--bars <n>", "how many bars", positiveInteger, 20_000)
    .option("--bar <length>", `${Object.keys(DEMO_BAR_MINUTES).join(", ")}`, "5m")
    .option("--seed <n>", "the same seed gives the same bars", wholeNumber, 7)
    .option("--out <path>", "a .csv or .parquet file, or a folder", "data/demo")
    .addHelpText("after", examples("foldwise demo-data --symbol MES --bars 20000 --bar 5m --seed 7 --out data/demo"));
  runs<DemoDataOptions>(command, async () => (await import("./actions/demo-data.js")).demoData);
}
