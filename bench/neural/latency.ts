import { join } from "node:path";
import { loadModel } from "../../src/inference/index.js";
import { openBenchDataset } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { range } from "../lib/fits.js";
import { median } from "../lib/pairs.js";
import { measureInPython } from "./python.js";
import { trainSequence } from "./train.js";

const CALLS = 2000;
const WARM = 200;
const MOST_MS: Record<string, number> = { transformer: 0.9 };
const DEFAULT_MS = 0.5;

/** One window through each bundle in Node, beside the plain network of the same sizes in torch; medians of calls. */
export async function latencyFigures({ small }: { small: boolean }): Promise<Figure[]> {
  const run = await trainSequence("latency", ["--set", "training.neural.max_epochs=1"]);
  const { latency } = await measureInPython(["--parts", "latency", ...(small ? ["--small"] : [])]);
  const figures: Figure[] = [];
  for (const { job, model } of run.file.jobs) {
    const node = 1000 * (await windowSeconds(join(run.dir, "models", job)));
    const python = 1000 * (latency?.find((each) => each.model === model)?.seconds ?? Number.NaN);
    const most = MOST_MS[model] ?? DEFAULT_MS;
    figures.push({
      figure: `${model}, one window in Node, p50`,
      ours: `${node.toPrecision(3)} ms`,
      reference: `${python.toPrecision(3)} ms torch`,
      measured: `torch / Node ${(python / node).toPrecision(2)}`,
      target: `≤ ${most} ms`,
      met: node <= most,
    });
  }
  return figures;
}

async function windowSeconds(bundle: string): Promise<number> {
  const served = await loadModel(bundle);
  try {
    const [width, length] = [served.featureNames.length, served.seqLen ?? 1];
    const values = await (await openBenchDataset()).readRows(range(0, CALLS + length));
    const window = (i: number) => values.subarray((i % CALLS) * width, ((i % CALLS) + length) * width);
    const times: number[] = [];
    for (let i = -WARM; i < CALLS; i++) {
      const input = window(i + WARM);
      const start = performance.now();
      await served.predictWindow(input);
      if (i >= 0) times.push((performance.now() - start) / 1000);
    }
    return median(times);
  } finally {
    await served.close();
  }
}
