import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { viewOf } from "../../src/data/index.js";
import { createPool, type EnginePool } from "../../src/engine/index.js";
import { encodeNpy, writeFileAtomic } from "../../src/files/index.js";
import { loadModel } from "../../src/inference/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { createModel } from "../../src/training/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { interleavedPairs, median, seconds } from "../lib/pairs.js";
import { Reference } from "../lib/reference.js";
import { benchFolder, HORIZON, openBenchDataset, STOP_ROWS, TRAIN_ROWS } from "./dataset.js";
import { ALLOWED_SECONDS, type Figure, inMebibytes, inSeconds } from "./figure.js";

const SEED = 7;

/**
 * Training rows of one pair: always 73 000, but never the same ones, so that a warm worker has nothing of them in its cache.
 * They are followed by the stop rows.
 */
function rowsOf(pair: number): { train: Int32Array; stop: Int32Array } {
  const from = pair + 1;
  const train = Int32Array.from({ length: TRAIN_ROWS }, (_, i) => from + i);
  const stop = Int32Array.from({ length: STOP_ROWS }, (_, i) => from + TRAIN_ROWS + i);
  return { train, stop };
}

/** `fit` of the library, from the call to its resolved promise; the shipped parameters and early stopping. */
async function fitOurs(pool: EnginePool, dataset: StoredDataset, pair: number, rounds?: number) {
  const { train, stop } = rowsOf(pair);
  const y = dataset.labels(HORIZON);
  const labels = (rows: Int32Array) => Int8Array.from(rows, (row) => y[row]!);
  const [X, yTrain, XStop, yStop] = [viewOf(dataset, train), labels(train), viewOf(dataset, stop), labels(stop)];
  const training = rounds === undefined ? {} : { num_boost_round: rounds };
  const model = createModel("xgboost", { pool, seed: SEED, config: { training } });
  try {
    const taken = await seconds(() => model.fit(X, yTrain, XStop, yStop));
    const { engine } = model.details();
    return { seconds: taken, peak: engine?.peak_memory_bytes ?? Number.NaN, rounds: engine?.total_epochs ?? 0 };
  } finally {
    await model.dispose();
  }
}

/** The parameters that the library would use, for the reference. */
function shippedSettings() {
  const training = z.object({ num_boost_round: z.number(), early_stopping_rounds: z.number() });
  const settings = resolveModelConfig(ModelRegistry.getModel("xgboost"), {
    training: resolveTrainingConfig({ cwd: process.cwd() }),
  });
  return { model_params: settings.model_params, training: training.parse(settings.training) };
}

async function fitReference(reference: Reference, dataset: StoredDataset, pair: number, rounds?: number) {
  const rows = rowsOf(pair);
  const folder = join(benchFolder(), "rows");
  const path = (name: string) => join(folder, `${name}.npy`);
  mkdirSync(folder, { recursive: true });
  for (const name of ["train", "stop"] as const) {
    writeFileAtomic(path(name), encodeNpy("<i4", [rows[name].length], rows[name]));
  }
  const { model_params: params, training } = shippedSettings();
  const answer = await reference.run({
    X: join(dataset.dir, "X.npy"),
    y: join(dataset.dir, `y_h${HORIZON}.npy`),
    w: null,
    // Foldwise watches the stop rows only; watching both would make the reference slower, and the ratio a present.
    watch_train: false,
    train: path("train"),
    stop: path("stop"),
    params: { ...params, seed: SEED },
    rounds: rounds ?? training.num_boost_round,
    patience: training.early_stopping_rounds,
    threads: availableParallelism(),
  });
  return { seconds: answer.seconds, peak: answer.peak_memory_bytes, rounds: Number(answer.rounds) };
}

/** xgboost at 73 000 × 180: a warm worker against the direct call in a warm Python process. */
export async function fitFigure(pairs: number): Promise<Figure> {
  const dataset = await openBenchDataset();
  const pool = createPool({ workers: 1 });
  const reference = await Reference.start("fit_xgboost.py");
  try {
    await fitOurs(pool, dataset, 1000, 5);
    await fitReference(reference, dataset, 1000, 5);
    const rounds = new Set<number>();
    const times = await interleavedPairs(
      pairs,
      async (pair) => {
        const fit = await fitOurs(pool, dataset, pair);
        rounds.add(fit.rounds);
        return fit.seconds;
      },
      async (pair) => {
        const fit = await fitReference(reference, dataset, pair);
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
        return (await fitOurs(pool, dataset, pair, MEMORY_ROUNDS)).peak;
      } finally {
        await pool.close();
      }
    },
    async (pair) => {
      const reference = await Reference.start("fit_xgboost.py");
      try {
        return (await fitReference(reference, dataset, pair, MEMORY_ROUNDS)).peak;
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
