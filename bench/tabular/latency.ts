import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createPool } from "../../src/engine/index.js";
import { loadModel } from "../../src/inference/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { benchFolder, openBenchDataset, TRAIN_ROWS } from "../lib/dataset.js";
import type { Figure } from "../lib/figure.js";
import { type FitCase, fitOurs, fitReference, range, referenceOf, rowsOf } from "../lib/fits.js";
import { median } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";
import { MODELS } from "./models.js";

const ROW_CALLS = 2000;
const BLOCK = 1000;
const BLOCK_CALLS = 50;
const EXACT_ROWS = 10_000;

/** A model as it comes out of the shipped settings, and svm's exact machine on as many rows as it takes. */
const CASES: readonly { name: string; fit: FitCase; exact: boolean; target: number }[] = [
  ...MODELS.map(({ id }) => ({ name: id, fit: { model: id, rows: rowsOf(0) }, exact: false, target: 0.05 })),
  {
    name: `svm, exact, ${EXACT_ROWS} training rows`,
    fit: {
      model: "svm",
      rows: { train: range(TRAIN_ROWS - EXACT_ROWS, EXACT_ROWS), stop: range(TRAIN_ROWS + 1, 7000) },
    },
    exact: true,
    target: 1.5,
  },
];

/** One row and 1 000 rows through each bundle in Node, beside `predict` of the same library in Python; medians of calls. */
export async function latencyFigures(): Promise<Figure[]> {
  const dataset = await openBenchDataset();
  const pool = createPool({ workers: 1 });
  const figures: Figure[] = [];
  try {
    for (const { name, fit, exact, target } of CASES) {
      const bundle = join(benchFolder(), "latency-bundle");
      rmSync(bundle, { recursive: true, force: true });
      await fitOurs(pool, dataset, fit, (model) => model.save(bundle));
      const node = await nodeLatency(bundle, dataset);
      const python = await pythonLatency(dataset, fit, exact);
      const ms = (seconds: number) => `${(seconds * 1000).toPrecision(3)} ms`;
      figures.push({
        figure: `${name}, one row in Node, p50`,
        ours: ms(node.row),
        reference: `${ms(python.row)} in Python`,
        measured: `Python / Node ${(python.row / node.row).toPrecision(2)}`,
        target: `≤ ${target} ms`,
        met: node.row * 1000 <= target,
      });
      figures.push({
        figure: `${name}, ${BLOCK} rows in Node, p50`,
        ours: ms(node.block),
        reference: `${ms(python.block)} in Python`,
        measured: `Python / Node ${(python.block / node.block).toPrecision(2)}`,
        target: "—",
        met: true,
      });
    }
  } finally {
    await pool.close();
  }
  return figures;
}

interface Latency {
  row: number;
  block: number;
}

async function nodeLatency(bundle: string, dataset: StoredDataset): Promise<Latency> {
  const served = await loadModel(bundle);
  try {
    const width = served.featureNames.length;
    const values = await dataset.readRows(range(0, BLOCK * 50));
    const row = (i: number) => values.subarray((i % BLOCK) * width, ((i % BLOCK) + 1) * width);
    for (let i = 0; i < 500; i++) await served.predictRow(row(i));
    const rowTimes = new Float64Array(ROW_CALLS);
    for (let i = 0; i < ROW_CALLS; i++) {
      const start = performance.now();
      await served.predictRow(row(i));
      rowTimes[i] = (performance.now() - start) / 1000;
    }
    const blockTimes: number[] = [];
    const featureNames = served.featureNames;
    for (let i = -5; i < BLOCK_CALLS; i++) {
      const from = ((i + 5) % 50) * BLOCK * width;
      const data = values.subarray(from, from + BLOCK * width);
      const start = performance.now();
      await served.predict({ kind: "array", data, shape: [BLOCK, width], featureNames });
      if (i >= 0) blockTimes.push((performance.now() - start) / 1000);
    }
    return { row: median([...rowTimes]), block: median(blockTimes) };
  } finally {
    await served.close();
  }
}

async function pythonLatency(dataset: StoredDataset, fit: FitCase, exact: boolean): Promise<Latency> {
  const reference = await Reference.start(referenceOf(fit.model));
  try {
    await fitReference(reference, dataset, fit, exact ? { exact } : {});
    const X = join(dataset.dir, "X.npy");
    const ask = async (rows: number, calls: number) =>
      (await reference.run({ predict: true, X, rows, calls, threads: availableParallelism() })).seconds;
    return { row: await ask(1, 200), block: await ask(BLOCK, BLOCK_CALLS) };
  } finally {
    await reference.close();
  }
}
