import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeDemoData } from "../../src/data/demo/index.js";
import { foldwise } from "../lib/cli.js";
import { benchFolder, EXTRA_BARS, ensureDataset, FEATURES, HORIZONS, ROWS, SYMBOL } from "../lib/dataset.js";
import { type Figure, inSeconds } from "../lib/figure.js";
import { median, seconds } from "../lib/pairs.js";

const TARGET = 60;

/** The whole command on the benchmark's dataset, without the bars and with them: then every feature is computed again, too. */
export async function auditFigures(runs: number): Promise<Figure[]> {
  const { folder } = await ensureDataset();
  const bars = join(benchFolder(), "audit-bars.csv");
  if (!existsSync(bars))
    await writeDemoData({ symbol: SYMBOL, bars: ROWS + EXTRA_BARS, bar: "5m", seed: 7, out: bars });
  const rows = [
    "audit",
    "--data",
    join(folder, "datasets"),
    "--symbol",
    SYMBOL,
    "--store",
    join(folder, "store"),
    "--quiet",
  ];
  const shape = `${ROWS / 1000} 000 × ${FEATURES}, ${HORIZONS.length} horizons`;
  return [
    await figureOf(`foldwise audit, ${shape}`, rows, runs),
    await figureOf(`the same with --bars: features and labels once more`, [...rows, "--bars", bars], runs),
  ];
}

async function figureOf(figure: string, args: readonly string[], runs: number): Promise<Figure> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await seconds(() => foldwise(args, benchFolder())));
  const taken = median(times);
  return {
    figure,
    ours: inSeconds(taken),
    reference: "",
    measured: inSeconds(taken),
    target: `≤ ${TARGET} s`,
    met: taken <= TARGET,
  };
}
