import {
  type Bundle,
  type BundleManifest,
  copyBundle,
  ONNX_NAME,
  readBundle,
  readBundleFile,
} from "../artifacts/index.js";
import { ModelRegistry } from "../models/index.js";
import {
  type BaseModel,
  type FeatureArray,
  type FeatureMatrix,
  FoldwiseError,
  type PipelineSpec,
  type PredictionOutput,
  type TrainingMetrics,
} from "../types/index.js";
import { predictInBatches } from "./batches.js";
import { decided } from "./decision.js";
import { checkedRow, checkedWindow, inputShape, type ModelShape } from "./modelShape.js";
import { OnnxPredictor, type PredictorOptions } from "./predictor.js";

/** A trained model in plain Node: it predicts and can be copied; it cannot be fitted again. */
export interface ServedModel extends BaseModel {
  readonly manifest: BundleManifest;
  /** What turns raw bars into this model's rows; null where it was trained on rows of unknown origin. */
  readonly pipeline: PipelineSpec | null;
  readonly featureNames: readonly string[];
  /** Bars of a window, T; null for tabular models. */
  readonly seqLen: number | null;
  /**
   * One row (F) in the order of `featureNames` → (3) probabilities of −1, 0, 1; tens of microseconds.
   * Throws `model.takes_windows` for sequence models.
   */
  predictRow(row: Float32Array): Promise<Float32Array>;
  /** One window (T · F), oldest row first → (3), for sequence models; throws `model.takes_rows` for the others. */
  predictWindow(window: Float32Array): Promise<Float32Array>;
  /** Frees what the model holds. */
  close(): Promise<void>;
}

export interface LoadOptions extends PredictorOptions {
  /** Where plug-in models are found; the process's registry by default. */
  registry?: Pick<ModelRegistry, "listAll">;
}

/**
 * Opens a bundle for prediction, without Python. Checks its manifest and hashes (see `readBundle`).
 * Throws `bundle.plugin_missing` for a TypeScript plug-in's model whose plug-in is not loaded.
 */
export async function loadModel(dir: string, options: LoadOptions = {}): Promise<ServedModel> {
  const bundle = await readBundle(dir);
  const { input, seq_len } = bundle.manifest;
  if (input === "sequence" && seq_len === null) {
    throw new FoldwiseError("bundle.not_a_bundle", `${dir} holds a sequence model without the length of its windows.`, {
      remedy: "Restore the bundle from its source, or train the model again.",
    });
  }
  const answer =
    bundle.manifest.kind === "engine" ? await openGraph(bundle, options) : await openPlugin(bundle, options);
  return new BundleModel(bundle, answer);
}

/** What a bundle needs to answer rows, whoever answers. */
interface Answering {
  predict(X: FeatureMatrix): Promise<PredictionOutput>;
  predictRow(row: Float32Array): Promise<Float32Array>;
  predictWindow(window: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

const seqLenOf = ({ input, seq_len }: BundleManifest): number | null => (input === "sequence" ? seq_len : null);

class BundleModel implements ServedModel {
  constructor(
    private readonly bundle: Bundle,
    private readonly answering: Answering,
  ) {}

  get manifest(): BundleManifest {
    return this.bundle.manifest;
  }

  get pipeline(): PipelineSpec | null {
    return this.bundle.pipeline;
  }

  get featureNames(): readonly string[] {
    return this.bundle.manifest.features;
  }

  get seqLen(): number | null {
    return seqLenOf(this.bundle.manifest);
  }

  async fit(): Promise<TrainingMetrics> {
    throw new FoldwiseError("model.cannot_fit", "A model loaded from a bundle only predicts.", {
      remedy: `Train a new one: new ModelTrainer().trainModel(${JSON.stringify(this.manifest.model)}, container).`,
    });
  }

  async predict(X: FeatureMatrix): Promise<PredictionOutput> {
    return decided(await this.answering.predict(X), this.manifest.decision);
  }

  predictRow(row: Float32Array): Promise<Float32Array> {
    return this.answering.predictRow(row);
  }

  predictWindow(window: Float32Array): Promise<Float32Array> {
    return this.answering.predictWindow(window);
  }

  save(dir: string): Promise<void> {
    return copyBundle(this.bundle, dir);
  }

  close(): Promise<void> {
    return this.answering.close();
  }
}

/** The bytes that were hashed are the bytes that run. */
function openGraph(bundle: Bundle, options: PredictorOptions): Promise<Answering> {
  const { manifest } = bundle;
  return OnnxPredictor.open(readBundleFile(bundle, ONNX_NAME), manifest.features, {
    ...options,
    seqLen: seqLenOf(manifest),
  });
}

async function openPlugin(bundle: Bundle, options: LoadOptions): Promise<Answering> {
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
  const shape: ModelShape = { featureNames: features, seqLen: seqLenOf(bundle.manifest) };
  const matrix = (data: Float32Array, n: number): FeatureArray => ({
    data,
    shape: inputShape(n, shape),
    featureNames: features,
  });
  const predict = (X: FeatureMatrix): Promise<PredictionOutput> =>
    predictInBatches(X, shape, async (values, n) => (await model.predict(matrix(values, n))).probabilities);
  // A copy: a plug-in may read its rows later, when the caller fills its own anew.
  const predictOne = async (values: Float32Array): Promise<Float32Array> =>
    (await predict(matrix(values.slice(), 1))).probabilities;
  return {
    predict,
    predictRow: async (row) => predictOne(checkedRow(row, shape)),
    predictWindow: async (window) => predictOne(checkedWindow(window, shape)),
    close: async () => {},
  };
}
