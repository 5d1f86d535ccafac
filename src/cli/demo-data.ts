import type { Command } from "commander";
import { DEMO_BAR_MINUTES, DEMO_SYMBOLS, demoSourcePath, writeDemoData } from "../data/demo/index.js";
import { examples, positiveInteger, runs, wholeNumber } from "./command.js";

interface Options {
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
  runs<Options>(command, async ({ output }, options) => {
    const { symbol, bars, bar, seed, out } = options;
    const path = await writeDemoData({ symbol, bars, bar, seed, out });
    output.print(`Written: ${path} — ${bars} SYNTHETIC bars of ${bar} for ${symbol}, seed ${seed}`);
    output.print(`         ${demoSourcePath(path)} marks them as synthetic`);
    output.print(`Next: foldwise prepare ${path} --symbol ${symbol} --bar-time close`);
    output.result({ event: "finished", status: "succeeded", path, synthetic: true, symbol, bars, bar, seed });
  });
}
