import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type BundleManifest, bundleSources, ONNX_NAME, SCALER_NAME, writeBundle } from "../artifacts/index.js";
import type { EnginePool, FitResult } from "../engine/index.js";
import { classesIn } from "../evaluation/index.js";
import { loadModel, type ParityResult, type ServedModel } from "../inference/index.js";
import {
  type EngineModelDefinition,
  type ModelDefinition,
  pluginOf,
  type TypeScriptModelDefinition,
} from "../models/index.js";
import {
  type BaseModel,
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  FoldwiseError,
  type PredictionOutput,
  type TrainingMetrics,
  throwIfAborted,
} from "../types/index.js";
import type { Device } from "./device.js";
import {
  answeredRows,
  answerView,
  type EngineFit,
  type EngineFitSettings,
  exportEngine,
  fitEngine,
  type Turn,
} from "./engineModel.js";
import { type ModelOrigin, originFacts } from "./origin.js";
import { checkExport } from "./parity.js";
import { seqLenOf } from "./sequence.js";
import { forgetTemporary, makeTemporary } from "./temporary.js";
import { fitWeights } from "./weights.js";

const FIT_NAME = "fit.json";

export interface TrainableSettings {
  pool: EnginePool;
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
  seed: number;
  /** A function is asked at each fit: what is there may have to be found out. */
  device: Device | (() => Promise<Device>);
  origin: ModelOrigin;
  /** An existing folder for this model's own files; a temporary one, made at the first fit, when absent. */
  workDir?: string;
  /** Folder of row files that fits share; see `EngineFitSettings`. */
  rowsDir?: string;
  /** See `EngineFitSettings`. */
  checkpointDir?: string;
  /** What errors and logs call this model's jobs: `xgboost_MES_h20`. */
  label?: string;
  /** See `EngineFitSettings`; a model without an engine has no use for them. */
  foreseen?: FeatureView;
  turn?: Turn;
  /** Called when a save needs no worker any more. */
  onEngineDone?: (() => void) | undefined;
  /** Ends export and parity check, and a fit that brings no signal of its own. */
  signal?: AbortSignal | undefined;
}

/** What a report tells of a fit beyond its metrics. */
export interface FitDetails {
  device: Device;
  /** Null for models without an engine. */
  engine: FitResult | null;
  /** Folder with the fit's files. */
  nativeDir: string | null;
  parity: ParityResult | null;
  trainedClasses: (-1 | 0 | 1)[];
  /** Of a sequence model. */
  windows: FitWindows | null;
}

/** What a sequence model was fitted on. */
export interface FitWindows {
  seqLen: number;
  /** Positions of the examples among the rows that were given. */
  train: Int32Array;
  /** Training windows on which train loss and accuracy were taken. */
  scored: number;
}

/** A model that can be fitted, predicts through its bundle, and is saved as one. */
export interface TrainableModel extends BaseModel {
  details(): FitDetails;
  /** Probabilities (N, 3) for rows of a stored dataset, by the model as it was fitted: without export, bundle and Node. */
  answer(X: FeatureView): Promise<Float32Array>;
  /** Removes the model's temporary files. */
  dispose(): Promise<void>;
}

export function trainable(definition: ModelDefinition, settings: TrainableSettings): TrainableModel {
  return definition.kind === "engine"
    ? new EngineModel(definition, settings)
    : new TypeScriptModel(definition, settings);
}

function notFitted(): FoldwiseError {
  return new FoldwiseError("model.not_fitted", "This model has not been fitted.", { remedy: "Call fit first." });
}

/** The model's sections, with those of one call on top; throws `config.bad_value` for what the schema refuses. */
function sectionsOf(
  definition: ModelDefinition,
  settings: Pick<TrainableSettings, "model_params" | "training">,
  config: Record<string, unknown> | undefined,
): { model_params: Record<string, unknown>; training: Record<string, unknown> } {
  const { model_params, training } = settings;
  if (config === undefined) return { model_params, training };
  const parsed = z
    .strictObject({ model_params: definition.params.prefault({}), training: definition.training.prefault({}) })
    .safeParse({
      ...config,
      model_params: { ...model_params, ...asRecord(config.model_params) },
      training: { ...training, ...asRecord(config.training) },
    });
  if (parsed.success) return parsed.data;
  throw new FoldwiseError("config.bad_value", `The configuration given to fit: ${z.prettifyError(parsed.error)}`, {
    remedy: "Give { model_params, training } with the keys of the model's YAML.",
  });
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};

/** Everything that both kinds share: one bundle, made once, through which all predictions go. */
abstract class Bundled implements TrainableModel {
  #folder: string | undefined;
  #served: Promise<ServedModel> | undefined;

  constructor(
    readonly definition: ModelDefinition,
    protected readonly settings: TrainableSettings,
  ) {
    this.#folder = settings.workDir;
  }

  abstract fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options?: FitOptions,
  ): Promise<TrainingMetrics>;
  abstract details(): FitDetails;
  abstract answer(X: FeatureView): Promise<Float32Array>;
  /** Writes what was fitted into `bundleDir`. */
  protected abstract write(): Promise<BundleManifest>;

  async predict(X: FeatureMatrix): Promise<PredictionOutput> {
    return (await this.#serve()).predict(X);
  }

  async save(dir: string): Promise<void> {
    await (await this.#serve()).save(dir);
  }

  async dispose(): Promise<void> {
    await this.#served?.then((model) => model.close()).catch(() => {});
    this.#served = undefined;
    if (this.#folder === undefined) return;
    rmSync(this.#folder, { recursive: true, force: true });
    forgetTemporary(this.#folder);
    this.#folder = this.settings.workDir;
  }

  /** Where this model keeps its files; made when first asked for. */
  protected get workDir(): string {
    this.#folder ??= makeTemporary();
    return this.#folder;
  }

  protected get bundleDir(): string {
    return join(this.workDir, "bundle");
  }

  /** A new fit makes a new bundle; the old one's goes. */
  protected async reset(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    await served?.then((model) => model.close()).catch(() => {});
    rmSync(this.bundleDir, { recursive: true, force: true });
  }

  #serve(): Promise<ServedModel> {
    if (this.#served !== undefined) return this.#served;
    const served = this.write().then(() => loadModel(this.bundleDir));
    this.#served = served;
    // What failed may succeed when it is asked for again.
    served.catch(() => {
      if (this.#served === served) this.#served = undefined;
    });
    return served;
  }

  protected facts() {
    const { definition, settings } = this;
    return {
      ...originFacts(settings.origin),
      model: definition.id,
      family: definition.family,
      kind: definition.kind,
      plugin: pluginOf(definition),
      input: definition.capabilities.input,
      seq_len: seqLenOf(definition, this.settings.training),
      missing_values: definition.capabilities.missingValues,
      seed: settings.seed,
    };
  }
}

class EngineModel extends Bundled {
  #fit: { fit: EngineFit; X: FeatureMatrix; trainedClasses: (-1 | 0 | 1)[]; settings: EngineFitSettings } | undefined;
  #parity: ParityResult | null = null;
  #fits = 0;

  constructor(
    override readonly definition: EngineModelDefinition,
    settings: TrainableSettings,
  ) {
    super(definition, settings);
  }

  override async fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options: FitOptions = {},
  ): Promise<TrainingMetrics> {
    const { device } = this.settings;
    const sections = sectionsOf(this.definition, this.settings, options.config);
    await this.#forget();
    this.#fits += 1;
    const workDir = join(this.workDir, `fit-${this.#fits}`);
    mkdirSync(workDir, { recursive: true });
    const settings: EngineFitSettings = {
      ...this.settings,
      ...sections,
      device: typeof device === "function" ? await device() : device,
      workDir,
    };
    const signal = options.signal ?? this.settings.signal;
    const fit = await fitEngine(this.definition, settings, XTrain, yTrain, XVal, yVal, {
      ...options,
      ...(signal === undefined ? {} : { signal }),
    });
    this.#fit = { fit, X: XVal.shape[0] > 0 ? XVal : XTrain, trainedClasses: [...fit.result.classes], settings };
    return fit.metrics;
  }

  /** The fit before, its bundle and its files. */
  async #forget(): Promise<void> {
    await this.reset();
    this.#parity = null;
    this.#fit = undefined;
    if (this.#fits > 0) rmSync(join(this.workDir, `fit-${this.#fits}`), { recursive: true, force: true });
  }

  override details(): FitDetails {
    if (this.#fit === undefined) throw notFitted();
    const { fit, trainedClasses } = this.#fit;
    const { result, nativeDir, input } = fit;
    const windows: FitWindows | null =
      input.window === null
        ? null
        : {
            seqLen: input.window.length,
            train: input.train,
            scored: answeredRows(nativeDir, result)?.length ?? input.train.length,
          };
    return { device: result.device, engine: result, nativeDir, parity: this.#parity, trainedClasses, windows };
  }

  override async answer(X: FeatureView): Promise<Float32Array> {
    if (this.#fit === undefined) throw notFitted();
    const { fit, settings } = this.#fit;
    return answerView(this.definition, fit, settings, X, this.settings.signal);
  }

  protected override async write(): Promise<BundleManifest> {
    if (this.#fit === undefined) throw notFitted();
    const { signal } = this.settings;
    const { fit, X, trainedClasses, settings } = this.#fit;
    const graph = join(settings.workDir, ONNX_NAME);
    const { borders } = await exportEngine(this.definition, fit, settings, signal);
    const parity = await checkExport(this.definition, fit, settings, graph, borders, X, {
      signal,
      onNative: this.settings.onEngineDone,
    });
    this.#parity = parity;
    throwIfAborted(signal);
    const { native, scaler } = fit.result.files;
    return writeBundle(this.bundleDir, {
      ...this.facts(),
      seq_len: fit.input.window?.length ?? null,
      features: X.featureNames,
      trained_classes: trainedClasses,
      device: fit.result.device,
      best_epoch: fit.result.best_epoch,
      parity: { max_abs_diff: parity.maxAbsDiff, rows: parity.rows, tolerance: parity.tolerance },
      native,
      files: {
        [ONNX_NAME]: { path: graph },
        [native]: { path: join(fit.nativeDir, native) },
        // What the engine needs beside its own file to go on from it: classes, feature count, best round.
        [FIT_NAME]: { path: join(fit.nativeDir, FIT_NAME) },
        ...(scaler === null ? {} : { [SCALER_NAME]: { path: join(fit.nativeDir, scaler) } }),
      },
    });
  }
}

/** A plug-in written in TypeScript: it fits and predicts itself; its files are kept in the same kind of bundle. */
class TypeScriptModel extends Bundled {
  #model: BaseModel;
  #fitted: { features: readonly string[]; trainedClasses: (-1 | 0 | 1)[]; metrics: TrainingMetrics } | undefined;

  constructor(
    override readonly definition: TypeScriptModelDefinition,
    settings: TrainableSettings,
  ) {
    super(definition, settings);
    const { model_params, training } = settings;
    refuseBalanced(definition, training);
    this.#model = definition.create({ model_params, training });
  }

  override async fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options: FitOptions = {},
  ): Promise<TrainingMetrics> {
    const trainedClasses = classesIn(yTrain);
    if (trainedClasses.length < 2) {
      throw new FoldwiseError("data.one_class", `The ${yTrain.length} training rows hold fewer than two classes.`, {
        remedy: "Use more rows, another horizon or other barriers (label.k), so that at least two classes occur.",
      });
    }
    const { config, sampleWeights, ...rest } = options;
    const sections = sectionsOf(this.definition, this.settings, config);
    refuseBalanced(this.definition, sections.training);
    await this.reset();
    this.#fitted = undefined;
    this.#model = this.definition.create(sections);
    const weights = fitWeights(yTrain, sampleWeights, "none");
    const metrics = await this.#model.fit(XTrain, yTrain, XVal, yVal, {
      ...rest,
      ...(weights === null ? {} : { sampleWeights: weights }),
    });
    this.#fitted = { features: XTrain.featureNames, trainedClasses, metrics };
    return metrics;
  }

  override details(): FitDetails {
    if (this.#fitted === undefined) throw notFitted();
    const { trainedClasses } = this.#fitted;
    return { device: "cpu", engine: null, nativeDir: null, parity: null, trainedClasses, windows: null };
  }

  override async answer(X: FeatureView): Promise<Float32Array> {
    return (await this.predict(X)).probabilities;
  }

  protected override async write(): Promise<BundleManifest> {
    if (this.#fitted === undefined) throw notFitted();
    const own = mkdtempSync(join(this.workDir, "saved-"));
    await this.#model.save(own);
    return writeBundle(this.bundleDir, {
      ...this.facts(),
      features: this.#fitted.features,
      trained_classes: this.#fitted.trainedClasses,
      device: "cpu",
      best_epoch: this.#fitted.metrics.bestEpoch,
      parity: null,
      native: null,
      files: bundleSources(own),
    });
  }
}

/** Balanced weights shift the probabilities, and only an engine's graph has the place where that is undone. */
function refuseBalanced({ id }: TypeScriptModelDefinition, training: Record<string, unknown>): void {
  if (training.class_weight !== "balanced") return;
  throw new FoldwiseError("config.class_weight", `${id} cannot be fitted with class_weight: balanced.`, {
    remedy: "Set training.class_weight: none; only models with an engine undo the shift of balanced weights.",
    details: { got: "balanced", allowed: ["none"] },
  });
}
