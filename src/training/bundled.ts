import { rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { BundleManifest, Decision } from "../artifacts/index.js";
import type { EnginePool, FitResult } from "../engine/index.js";
import type { Calibrator } from "../evaluation/index.js";
import { loadModel, type ParityResult, type ServedModel } from "../inference/index.js";
import { type ModelDefinition, pluginOf } from "../models/index.js";
import {
  type BaseModel,
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  FoldwiseError,
  type PredictionOutput,
  type TrainingMetrics,
} from "../types/index.js";
import type { Device } from "./device.js";
import type { Turn } from "./engineModel.js";
import type { CombinedOn, EnsembleFacts, EnsembleSettings } from "./ensemble/index.js";
import { type ModelOrigin, originFacts } from "./origin.js";
import { seqLenOf } from "./sequence.js";
import { forgetTemporary, makeTemporary } from "./temporary.js";

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
  answersOnly?: boolean;
  turn?: Turn;
  reportEvery?: number;
  /** Called when a save needs no worker any more. */
  onEngineDone?: (() => void) | undefined;
  /** Of an ensemble: what it is made of. */
  ensemble?: EnsembleSettings;
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
  /** Of a model without an engine: what its reader should know. */
  warnings?: readonly string[];
  /** Of an ensemble. */
  ensemble?: EnsembleFacts;
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
  /** Probabilities (N, 3) for rows of a stored dataset, by the model as it was fitted: without calibrator, export, bundle and Node. */
  answer(X: FeatureView): Promise<Float32Array>;
  /** Whether its bundle can hold a calibrator. */
  readonly calibrates: boolean;
  /** From here on `predict` and `save` give calibrated probabilities; a new fit forgets it. */
  calibrate(calibrator: Calibrator): Promise<void>;
  /** From here on `predict` and `save` give sets and signals, too; a new fit or calibrator forgets it. */
  decideBy(decision: Decision): Promise<void>;
  /** Of an ensemble that learned to combine on rows beside those of the fits: what it says of them; null for other models. */
  readonly combinedOn: CombinedOn | null;
  /** Removes the model's temporary files. */
  dispose(): Promise<void>;
}

export function notFitted(): FoldwiseError {
  return new FoldwiseError("model.not_fitted", "This model has not been fitted.", { remedy: "Call fit first." });
}

/** The model's sections, with those of one call on top; throws `config.bad_value` for what the schema refuses. */
export function sectionsOf(
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
export abstract class Bundled implements TrainableModel {
  #folder: string | undefined;
  #served: Promise<ServedModel> | undefined;
  #decision: Decision | null = null;

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
  abstract readonly calibrates: boolean;
  abstract calibrate(calibrator: Calibrator): Promise<void>;

  async decideBy(decision: Decision): Promise<void> {
    // Throws `model.not_fitted`.
    this.details();
    await this.reset();
    this.#decision = decision;
  }

  get combinedOn(): CombinedOn | null {
    return null;
  }

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

  /** A new fit makes a new bundle; the old one's goes, and what was decided by its probabilities. */
  protected async reset(): Promise<void> {
    this.#decision = null;
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
      decision: this.#decision,
      class_scale: null,
      ensemble: null,
    };
  }
}
