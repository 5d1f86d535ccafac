import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, readBundle } from "../../artifacts/index.js";
import type { EnginePool } from "../../engine/index.js";
import { openBase } from "../../inference/index.js";
import { type FeatureView, type FitProgress, FoldwiseError } from "../../types/index.js";
import type { TrainableModel, TrainableSettings } from "../bundled.js";
import { seqLenOf } from "../sequence.js";
import type { PartSpec, ReadyBase } from "./settings.js";

/** A base that is fitted, whoever has fitted it. */
export interface Base {
  name: string;
  spec: PartSpec;
  seqLen: number | null;
  /** Where it came from; null where the ensemble has fitted it. */
  source: string | null;
  warnings: readonly string[];
  /** (N, 3), without a calibrator; every row must end a full window. */
  answer(X: FeatureView): Promise<Float32Array>;
  /** Its bundle, made now where there is none. */
  bundle(): Promise<Bundle>;
  dispose(): Promise<void>;
}

/** What makes models of specs; the trainer's own `trainable`, handed in so that no module needs itself. */
export type Trainable = (spec: PartSpec["definition"], settings: TrainableSettings) => TrainableModel;

/** What all parts of an ensemble are fitted with. */
export interface PartContext {
  pool: EnginePool;
  seed: number;
  rowsDir?: string | undefined;
  origin: TrainableSettings["origin"];
  signal?: AbortSignal | undefined;
  label: string;
  trainable: Trainable;
}

/** A new model of the spec, which keeps its files in `workDir`. */
export function modelOf(
  { definition, model_params, training, device }: PartSpec,
  { pool, seed, rowsDir, origin, signal, label, trainable }: PartContext,
  { workDir, name, foreseen }: { workDir: string; name: string; foreseen?: FeatureView },
): TrainableModel {
  mkdirSync(workDir, { recursive: true });
  return trainable(definition, {
    pool,
    model_params,
    training,
    seed,
    device,
    workDir,
    origin,
    label: `${label}, ${name}`,
    ...(rowsDir === undefined ? {} : { rowsDir }),
    ...(foreseen === undefined ? {} : { foreseen }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Rows and labels that a base is fitted on, and stopped by. */
export interface FitRows {
  X: FeatureView;
  y: Int8Array;
  weights?: Float32Array | undefined;
  stop: FeatureView;
  yStop: Int8Array;
}

export async function fitBase(
  spec: PartSpec,
  context: PartContext,
  {
    rows,
    workDir,
    foreseen,
    onProgress,
  }: {
    rows: FitRows;
    workDir: string;
    /** Rows that will be asked for first. */
    foreseen: FeatureView;
    onProgress: (progress: FitProgress) => void;
  },
): Promise<Base> {
  const name = spec.definition.id;
  const model = modelOf(spec, context, { workDir, name: `base ${name}`, foreseen });
  try {
    await model.fit(rows.X, rows.y, rows.stop, rows.yStop, {
      onProgress,
      ...(rows.weights === undefined ? {} : { sampleWeights: rows.weights }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } catch (error) {
    await model.dispose();
    throw error;
  }
  const out = join(workDir, "saved");
  return {
    name,
    spec,
    seqLen: seqLenOf(spec.definition, spec.training),
    source: null,
    warnings: model.details().engine?.warnings ?? [],
    answer: (X) => model.answer(X),
    bundle: async () => {
      await model.save(out);
      return readBundle(out);
    },
    dispose: () => model.dispose(),
  };
}

/**
 * A base that another job has fitted: it answers as it will be served.
 *
 * @throws FoldwiseError `data.other_base` for a bundle of other features, another horizon or other classes.
 */
export async function servedBase(
  spec: PartSpec,
  { dir, source }: ReadyBase,
  expected: { features: readonly string[]; horizon: number; symbol: string },
): Promise<Base> {
  const opened = await openBase(dir);
  const { manifest } = opened.bundle;
  const name = spec.definition.id;
  const differs = differenceOf(manifest, { ...expected, model: name });
  if (differs !== null) {
    await opened.close();
    throw new FoldwiseError("data.other_base", `The base ${name} (${dir}) does not fit the ensemble: ${differs}.`, {
      remedy: "Train the base again on the ensemble's own dataset and horizon.",
      details: { base: name, bundle: dir },
    });
  }
  return {
    name,
    spec,
    seqLen: opened.seqLen,
    source,
    warnings: [],
    answer: async (X) => {
      const { probabilities, rows } = await opened.predict(X);
      if (rows !== undefined && rows.length !== X.shape[0])
        throw new Error(`${name} was asked for ${X.shape[0]} rows, of which ${rows.length} end a window`);
      return probabilities;
    },
    bundle: async () => opened.bundle,
    dispose: () => opened.close(),
  };
}

function differenceOf(
  { model, features, horizon, symbol, classes }: Bundle["manifest"],
  expected: { model: string; features: readonly string[]; horizon: number; symbol: string },
): string | null {
  if (model !== expected.model) return `it holds ${model}`;
  if (symbol !== expected.symbol) return `it was trained on ${symbol}, the ensemble on ${expected.symbol}`;
  if (horizon !== expected.horizon) return `its horizon is ${horizon} bars, the ensemble's ${expected.horizon}`;
  if (classes.join() !== "-1,0,1") return `its classes are ${classes.join(", ")}`;
  if (features.length !== expected.features.length)
    return `it has ${features.length} features, the ensemble ${expected.features.length}`;
  const at = features.findIndex((feature, f) => feature !== expected.features[f]);
  return at < 0 ? null : `its feature ${at} is ${features[at]}, the ensemble's ${expected.features[at]}`;
}

/** Runs all tasks at once; the pool gives each its turn. The first failure is thrown when none is at work any more. */
export async function everyOne<T>(tasks: readonly (() => Promise<T>)[]): Promise<T[]> {
  const settled = await Promise.allSettled(tasks.map((task) => task()));
  const failed = settled.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
}
