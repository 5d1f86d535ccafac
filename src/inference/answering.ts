import { type Bundle, type BundleManifest, ONNX_NAME, readBundleFile } from "../artifacts/index.js";
import { ModelRegistry } from "../models/index.js";
import { type FeatureArray, type FeatureMatrix, FoldwiseError, type PredictionOutput } from "../types/index.js";
import { predictInBatches } from "./batches.js";
import { checkedRow, checkedWindow, inputShape, type ModelShape } from "./modelShape.js";
import { OnnxPredictor, type PredictorOptions } from "./predictor.js";

export interface LoadOptions extends PredictorOptions {
  /** Where plug-in models are found; the process's registry by default. */
  registry?: Pick<ModelRegistry, "listAll">;
}

/** What a bundle needs to answer rows, whoever answers. */
export interface Answering {
  predict(X: FeatureMatrix): Promise<PredictionOutput>;
  predictRow(row: Float32Array): Promise<Float32Array>;
  predictWindow(window: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export const shapeOf = ({ features, input, seq_len }: BundleManifest): ModelShape => ({
  featureNames: features,
  seqLen: input === "sequence" ? seq_len : null,
});

/** The bytes that were hashed are the bytes that run. */
export function openGraph(bundle: Bundle, options: PredictorOptions): Promise<OnnxPredictor> {
  const { featureNames, seqLen } = shapeOf(bundle.manifest);
  return OnnxPredictor.open(readBundleFile(bundle, ONNX_NAME), featureNames, { ...options, seqLen });
}

/** A model that a plug-in loads and answers with, in batches. */
export async function openPlugin(bundle: Bundle, options: LoadOptions): Promise<Answering> {
  const { model: id, plugin, features } = bundle.manifest;
  const definition = (options.registry ?? ModelRegistry.shared).listAll().find((found) => found.id === id);
  if (definition?.kind !== "typescript") {
    throw new FoldwiseError(
      "bundle.plugin_missing",
      `The model ${id} comes from the plug-in ${plugin ?? "(unknown)"}, which is not loaded.`,
      {
        remedy: `Name it under plugins: in config/training.yaml, or call loadPlugins([${JSON.stringify(plugin ?? id)}], folder) first.`,
        details: { model: id, plugin },
      },
    );
  }
  const model = await definition.load(bundle.dir);
  const shape = shapeOf(bundle.manifest);
  const answer = async (values: Float32Array, n: number): Promise<Float32Array> =>
    (await model.predict({ data: values, shape: inputShape(n, shape), featureNames: features })).probabilities;
  // A copy: a plug-in may read its rows later, when the caller fills its own anew.
  return inBatches(shape, answer, { copies: true });
}

/** Answers of anything that takes values (n, F) or (n, T, F) and gives (n, 3). */
export function inBatches(
  shape: ModelShape,
  answer: (values: Float32Array, n: number) => Promise<Float32Array>,
  { copies, close = async () => {} }: { copies: boolean; close?: () => Promise<void> },
): Answering {
  const predict = (X: FeatureMatrix): Promise<PredictionOutput> => predictInBatches(X, shape, answer);
  const one = async (values: Float32Array): Promise<Float32Array> => {
    const X: FeatureArray = {
      data: copies ? values.slice() : values,
      shape: inputShape(1, shape),
      featureNames: shape.featureNames,
    };
    return (await predict(X)).probabilities;
  };
  return {
    predict,
    predictRow: async (row) => one(checkedRow(row, shape)),
    predictWindow: async (window) => one(checkedWindow(window, shape)),
    close,
  };
}
