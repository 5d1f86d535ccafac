import { rmSync } from "node:fs";
import { join } from "node:path";
import { viewOf } from "../../src/data/index.js";
import { createPool } from "../../src/engine/index.js";
import { loadModel } from "../../src/inference/index.js";
import { createModel } from "../../src/training/index.js";
import { benchFolder, HORIZON, openBenchDataset } from "../lib/dataset.js";
import { ALLOWED_SECONDS, type Figure, inMebibytes, inSeconds } from "../lib/figure.js";
import { type FitCase, fitOurs, fitReference, referenceOf, rowsOf, SEED } from "../lib/fits.js";
import { interleavedPairs, median } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";

const MODEL = "xgboost";
const fitOf = (pair: number, rounds?: number): FitCase => ({
  model: MODEL,
  rows: rowsOf(pair),
  settings: { training: rounds === undefined ? {} : { num_boost_round: rounds } },
});

/** xgboost at 73 000 × 180: a warm worker against the direct call in a warm Python process. */
export async function fitFigure(pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const pool = createPool({ workers: 1 });
  const reference = await Reference.start(referenceOf(MODEL));
  try {
    await fitOurs(pool, dataset, fitOf(1000, 5));
    await fitReference(reference, dataset, fitOf(1000, 5));
    const rounds = new Set<number>();
    const times = await interleavedPairs(
      pairs,
      async (pair) => {
        const fit = await fitOurs(pool, dataset, fitOf(pair));
        rounds.add(fit.rounds);
        return fit.seconds;
      },
      async (pair) => {
        const fit = await fitReference(reference, dataset, fitOf(pair));
        rounds.add(fit.rounds);
        return fit.seconds;
      },
    );
    const [ours, direct] = [median(times.ours), median(times.reference)];
    const range = `${Math.min(...rounds)}–${Math.max(...rounds)} rounds`;
    return {
      figure: `xgboost fit, 73 000 × 180, ${range}`,
      ours: inSeconds(ours),
      reference: `${inSeconds(direct)} direct`,
      measured: `ratio ${(ours / direct).toFixed(3)}`,
      target: "≤ 1.05",
      met: ours <= 1.05 * direct + ALLOWED_SECONDS,
    };
  } finally {
    await pool.close();
    await reference.close();
  }
}

/** Rounds of the memory figure: the peak is reached while binning and in the first trees. */
const MEMORY_ROUNDS = 30;

/** Peak resident memory of the first fit in a fresh worker against the first call in a fresh Python process. */
export async function memoryFigure(pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const peaks = await interleavedPairs(
    pairs,
    async (pair) => {
      const pool = createPool({ workers: 1 });
      try {
        return (await fitOurs(pool, dataset, fitOf(pair, MEMORY_ROUNDS))).peak;
      } finally {
        await pool.close();
      }
    },
    async (pair) => {
      const reference = await Reference.start(referenceOf(MODEL));
      try {
        return (await fitReference(reference, dataset, fitOf(pair, MEMORY_ROUNDS))).peak;
      } finally {
        await reference.close();
      }
    },
  );
  const [ours, direct] = [median(peaks.ours), median(peaks.reference)];
  return {
    figure: "peak memory of a fresh worker, first fit",
    ours: inMebibytes(ours),
    reference: `${inMebibytes(direct)} direct`,
    measured: `ratio ${(ours / direct).toFixed(3)}`,
    target: "≤ 1.10",
    met: ours <= 1.1 * direct,
  };
}

const CALLS = 20_000;

/** One row through the ONNX graph of a bundle of that size, in this process. */
export async function rowFigure(): Promise<Figure> {
  const dataset = await openBenchDataset();
  const pool = createPool({ workers: 1 });
  const bundle = join(benchFolder(), "bundle");
  const { train, stop } = rowsOf(0);
  const y = dataset.labels(HORIZON);
  const labels = (rows: Int32Array) => Int8Array.from(rows, (row) => y[row]!);
  const model = createModel("xgboost", { pool, seed: SEED });
  let rounds = 0;
  try {
    rounds = (await model.fit(viewOf(dataset, train), labels(train), viewOf(dataset, stop), labels(stop))).bestEpoch;
    rmSync(bundle, { recursive: true, force: true });
    await model.save(bundle);
  } finally {
    await model.dispose();
    await pool.close();
  }
  const served = await loadModel(bundle);
  try {
    const width = served.featureNames.length;
    const values = await dataset.readRows(Int32Array.from({ length: 1000 }, (_, i) => 100_000 + i));
    const row = (i: number) => values.subarray((i % 1000) * width, ((i % 1000) + 1) * width);
    for (let i = 0; i < 2000; i++) await served.predictRow(row(i));
    const times = new Float64Array(CALLS);
    for (let i = 0; i < CALLS; i++) {
      const start = performance.now();
      await served.predictRow(row(i));
      times[i] = performance.now() - start;
    }
    times.sort();
    const at = (share: number) => times[Math.floor(share * CALLS)]!;
    return {
      figure: `one row in Node, xgboost of ${rounds} rounds, ${CALLS} calls`,
      ours: `${at(0.5).toFixed(4)} ms`,
      reference: "",
      measured: `p50 ${at(0.5).toFixed(4)} ms, p99 ${at(0.99).toFixed(4)} ms`,
      target: "p50 ≤ 0.05 ms",
      met: at(0.5) <= 0.05,
    };
  } finally {
    await served.close();
  }
}
