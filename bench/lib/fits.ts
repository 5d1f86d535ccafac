import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { viewOf } from "../../src/data/index.js";
import type { EnginePool } from "../../src/engine/index.js";
import { encodeNpy, writeFileAtomic } from "../../src/files/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { createModel } from "../../src/training/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { benchFolder, HORIZON, STOP_ROWS, TRAIN_ROWS } from "./dataset.js";
import type { Reference } from "./reference.js";

export const SEED = 7;

export interface Rows {
  train: Int32Array;
  stop: Int32Array;
}

/**
 * Training rows of one pair: always 73 000, but never the same ones, so that a warm worker has nothing of them in its cache.
 * They are followed by the stop rows.
 */
export function rowsOf(pair: number): Rows {
  const from = pair + 1;
  return { train: range(from, TRAIN_ROWS), stop: range(from + TRAIN_ROWS, STOP_ROWS) };
}

export const range = (from: number, count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => from + i);

export interface FitSettings {
  model_params?: Record<string, unknown>;
  training?: Record<string, unknown>;
}

export interface FitCase {
  model: string;
  rows: Rows;
  horizon?: number;
  seed?: number;
  /** Beside what is shipped. */
  settings?: FitSettings;
}

export interface FitFigures {
  seconds: number;
  /** Most resident bytes of the process that fitted. */
  peak: number;
  /** Grown, also those of patience. */
  rounds: number;
  quantised: "built" | "reused" | null;
}

const configOf = ({ settings }: FitCase) => ({
  model_params: settings?.model_params ?? {},
  training: settings?.training ?? {},
});

/** `fit` of the library, from the call to its resolved promise; then `use`, if there is any, before the model is let go. */
export async function fitOurs(
  pool: EnginePool,
  dataset: StoredDataset,
  fit: FitCase,
  use?: (model: ReturnType<typeof createModel>) => Promise<void>,
): Promise<FitFigures> {
  const { train, stop } = fit.rows;
  const y = dataset.labels(fit.horizon ?? HORIZON);
  const labels = (rows: Int32Array) => Int8Array.from(rows, (row) => y[row]!);
  const [X, yTrain, XStop, yStop] = [viewOf(dataset, train), labels(train), viewOf(dataset, stop), labels(stop)];
  const model = createModel(fit.model, { pool, seed: fit.seed ?? SEED, config: configOf(fit) });
  try {
    const start = performance.now();
    await model.fit(X, yTrain, XStop, yStop);
    const seconds = (performance.now() - start) / 1000;
    const { engine } = model.details();
    if (engine === null) throw new Error(`${fit.model} is not fitted by an engine`);
    await use?.(model);
    return { seconds, peak: engine.peak_memory_bytes, rounds: engine.total_epochs, quantised: engine.quantised };
  } finally {
    await model.dispose();
  }
}

/** The script of `bench/reference/` that calls the model's library. */
export const referenceOf = (model: string): string => `fit_${model}.py`;

const boosting = z.object({ num_boost_round: z.number(), early_stopping_rounds: z.number() });

/** The same fit by the library alone: the same parameters, arrays, seed and threads. */
export async function fitReference(
  reference: Reference,
  dataset: StoredDataset,
  fit: FitCase,
  extra: Record<string, unknown> = {},
): Promise<FitFigures> {
  const folder = join(benchFolder(), "rows");
  const path = (name: string) => join(folder, `${name}.npy`);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, rows: Int32Array): string => {
    writeFileAtomic(path(name), encodeNpy("<i4", [rows.length], rows));
    return path(name);
  };
  const definition = ModelRegistry.getModel(fit.model);
  const shipped = resolveTrainingConfig({ cwd: process.cwd() });
  const settings = resolveModelConfig(definition, { training: shipped, config: configOf(fit) });
  const stops = boosting.safeParse(settings.training).data;
  const answer = await reference.run({
    X: join(dataset.dir, "X.npy"),
    y: join(dataset.dir, `y_h${fit.horizon ?? HORIZON}.npy`),
    w: null,
    // Foldwise watches the stop rows only; watching both would make the reference slower, and the ratio a present.
    watch_train: false,
    train: write("train", fit.rows.train),
    stop: write("stop", fit.rows.stop),
    probability_rows: definition.kind === "engine" ? definition.capabilities.probabilityRows : null,
    params: settings.model_params,
    seed: fit.seed ?? SEED,
    rounds: stops?.num_boost_round ?? 0,
    patience: stops?.early_stopping_rounds ?? 0,
    threads: availableParallelism(),
    ...extra,
  });
  return { seconds: answer.seconds, peak: answer.peak_memory_bytes, rounds: Number(answer.rounds), quantised: null };
}
