import { demoSourcePath, writeDemoData } from "../../data/demo/index.js";
import type { CommandContext } from "../command.js";
import type { DemoDataOptions } from "../demo-data.js";

export async function demoData({ output }: CommandContext, options: DemoDataOptions): Promise<void> {
  const { symbol, bars, bar, seed, out } = options;
  const path = await writeDemoData({ symbol, bars, bar, seed, out });
  output.print(`Written: ${path} — ${bars} SYNTHETIC bars of ${bar} for ${symbol}, seed ${seed}`);
  output.print(`         ${demoSourcePath(path)} marks them as synthetic`);
  output.print(`Next: foldwise prepare ${path} --symbol ${symbol} --bar-time close`);
  output.result({ event: "finished", status: "succeeded", path, synthetic: true, symbol, bars, bar, seed });
}
