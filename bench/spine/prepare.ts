import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeDemoData } from "../../src/data/demo/index.js";
import { prepareConfigSchema, prepareDataset } from "../../src/prepare/index.js";
import { benchFolder } from "../lib/dataset.js";
import { type Figure, inSeconds } from "../lib/figure.js";
import { median, seconds } from "../lib/pairs.js";

const BARS = 100_000;

/** `prepare` of one-minute bars from CSV to both layouts, with every default feature and horizon. */
export async function prepareFigure(runs: number): Promise<Figure> {
  const input = join(benchFolder(), "MES_synthetic_1m.csv");
  await writeDemoData({ symbol: "MES", bars: BARS, bar: "1m", seed: 7, out: input });
  const out = join(benchFolder(), "prepared");
  const times: number[] = [];
  let shape = "";
  for (let run = 0; run < runs; run++) {
    rmSync(out, { recursive: true, force: true });
    times.push(
      await seconds(async () => {
        const config = prepareConfigSchema.parse({});
        const summary = await prepareDataset({
          input,
          symbol: "MES",
          config,
          barTime: "close",
          out,
          layouts: ["series", "splits"],
        });
        shape = `${summary.features.count} features, ${summary.labels.horizons.length} horizons`;
      }),
    );
  }
  rmSync(out, { recursive: true, force: true });
  const taken = median(times);
  return {
    figure: `prepare, 100 000 one-minute bars, ${shape}`,
    ours: inSeconds(taken),
    reference: "",
    measured: inSeconds(taken),
    target: "≤ 15 s",
    met: taken <= 15,
  };
}
