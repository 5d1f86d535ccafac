import { type Bundle, type BundleManifest, copyBundle, readBundle } from "../artifacts/index.js";
import {
  type BaseModel,
  type FeatureMatrix,
  FoldwiseError,
  type PipelineSpec,
  type PredictionOutput,
  type TrainingMetrics,
} from "../types/index.js";
import { type Answering, type LoadOptions, openGraph, openPlugin, shapeOf } from "./answering.js";
import { decided } from "./decision.js";
import { openEnsemble } from "./ensemble.js";

export type { LoadOptions } from "./answering.js";

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
  const open = { engine: openGraph, typescript: openPlugin, ensemble: openEnsemble }[bundle.manifest.kind];
  return new BundleModel(bundle, await open(bundle, options));
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

  get seqLen(): number | null {
    return shapeOf(this.bundle.manifest).seqLen;
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
