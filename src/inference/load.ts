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
import { matchFeatures } from "./features.js";
import { BATCH_ROWS, checkDistributions, OnnxPredictor, type PredictorOptions, toOutput } from "./predictor.js";

/** A trained model in plain Node: it predicts and can be copied; it cannot be fitted again. */
export interface ServedModel extends BaseModel {
  readonly manifest: BundleManifest;
  /** What turns raw bars into this model's rows; null where it was trained on rows of unknown origin. */
  readonly pipeline: PipelineSpec | null;
  readonly featureNames: readonly string[];
  /** Bars of the window that the model answers from; null: single rows. */
  readonly seqLen: number | null;
  /** One row (F) in the order of `featureNames` → (3) probabilities of −1, 0, 1; tens of microseconds. */
  predictRow(row: Float32Array): Promise<Float32Array>;
  /** One window (T, F), row-major, the newest row last → (3) probabilities. */
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

  async fit(): Promise<TrainingMetrics> {
    throw new FoldwiseError("model.cannot_fit", "A model loaded from a bundle only predicts.", {
      remedy: `Train a new one: new ModelTrainer().trainModel(${JSON.stringify(this.manifest.model)}, container).`,
    });
  }

  predict(X: FeatureMatrix): Promise<PredictionOutput> {
    return this.answering.predict(X);
  }

  get seqLen(): number | null {
    return this.bundle.manifest.seq_len;
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
  return OnnxPredictor.open(readBundleFile(bundle, ONNX_NAME), bundle.manifest.features, {
    ...options,
    seqLen: bundle.manifest.seq_len,
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
  const predict = async (X: FeatureMatrix): Promise<PredictionOutput> => {
    const { rows, read } = matchFeatures(X, features);
    const probabilities = new Float32Array(3 * rows);
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const to = Math.min(from + BATCH_ROWS, rows);
      const batch: FeatureArray = {
        data: await read(from, to),
        shape: [to - from, features.length],
        featureNames: features,
      };
      const answer = (await model.predict(batch)).probabilities;
      checkDistributions(batch.data, answer, features, from);
      probabilities.set(answer, 3 * from);
    }
    return toOutput(probabilities);
  };
  const predictRow = async (row: Float32Array): Promise<Float32Array> =>
    (await predict({ data: row, shape: [1, row.length], featureNames: features })).probabilities;
  return {
    predict,
    predictRow,
    predictWindow: predictRow,
    close: async () => {},
  };
}
