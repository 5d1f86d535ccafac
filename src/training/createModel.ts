import { resolve } from "node:path";
import {
  type ResolvedModel,
  type ResolvedTraining,
  resolveModelConfig,
  resolveTrainingConfig,
} from "../config/index.js";
import { createPool, type EnginePool } from "../engine/index.js";
import { type ModelDefinition, ModelRegistry } from "../models/index.js";
import { chooseDevice } from "./device.js";
import { partSpecs } from "./ensemble/index.js";
import { type TrainableModel, trainable } from "./model.js";
import { originOfArrays } from "./origin.js";

export interface CreateModelOptions {
  /** Sections `model_params` and `training`, as in the model's YAML. */
  config?: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
  /** Of an ensemble: the same sections of the models that it is made of, by id. */
  parts?: Record<string, { model_params?: Record<string, unknown>; training?: Record<string, unknown> }>;
  /**
   * Of an ensemble that is fitted on arrays, which carry no times: rows that a label looks ahead, by which what it learns to combine on is
   * purged. 1 by default, the least there is; rows of a stored dataset are purged by their own label ends.
   */
  labelRows?: number;
  /** Of an ensemble: rows left out before each border that it draws itself; 0 by default. */
  embargo?: number;
  preset?: string;
  /** Default: the configuration's, 7. */
  seed?: number;
  /** Workers to fit in; the process's own shared pool when absent. */
  pool?: EnginePool;
  /** Default: the configuration's, `auto`. `cuda` must be there, or the fit is refused with `usage.no_device`. */
  device?: "auto" | "cpu" | "cuda";
  /** What was decided that may surprise: a model without a CUDA version runs on the CPU. */
  onNotice?: (message: string) => void;
  /** Configuration and the engine environment are looked for from here; the working folder by default. */
  cwd?: string;
}

const sharedPools = new Map<string, EnginePool>();

/**
 * One worker for everything that brings no pool of its own, by the folder from which its Python is looked for; it starts at
 * the first fit and ends with the process.
 */
export function defaultPool(cwd: string = process.cwd()): EnginePool {
  const folder = resolve(cwd);
  const shared = sharedPools.get(folder) ?? createPool({ cwd: folder });
  sharedPools.set(folder, shared);
  return shared;
}

/**
 * A model of a registered name, to be fitted by hand: the requirements' `fit`, `predict`, `save`.
 * `ModelTrainer.trainModel` does the same on a dataset, with purged rows, a report and a run.
 */
export function createModel(name: string, options: CreateModelOptions = {}): TrainableModel {
  const definition = ModelRegistry.getModel(name);
  const { cwd = process.cwd(), onNotice } = options;
  const training = resolveTrainingConfig({
    cwd,
    flags: { seed: options.seed, preset: options.preset, device: options.device },
  });
  const settings = resolveModelConfig(definition, {
    training,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  const pool = options.pool ?? defaultPool(cwd);
  const deviceOf = (of: ModelDefinition, own: ResolvedModel) => async () => {
    const { device, notice } = await chooseDevice(of, own, training.config, pool);
    if (notice !== undefined) onNotice?.(notice);
    return device;
  };
  const known = ModelRegistry.listAll();
  const ensemble =
    definition.kind === "ensemble"
      ? partSpecs(definition, settings.model_params, {
          known,
          others: known,
          specOf: (part) => {
            const own = resolvePart(part, options.parts?.[part.id], { training, of: definition });
            const { model_params, training: section } = own;
            return { definition: part, model_params, training: section, device: deviceOf(part, own) };
          },
        })
      : null;
  const labelRows = options.labelRows === undefined ? {} : { labelRows: options.labelRows };
  return trainable(definition, {
    ...(ensemble === null
      ? {}
      : {
          ensemble: {
            ...ensemble,
            embargo: options.embargo ?? 0,
            ...labelRows,
            ...(onNotice === undefined ? {} : { onNotice }),
          },
        }),
    pool,
    model_params: settings.model_params,
    training: settings.training,
    seed: training.config.seed,
    device: deviceOf(definition, settings),
    origin: originOfArrays(),
  });
}

/** The settings of a model that an ensemble is made of. */
function resolvePart(
  part: ModelDefinition,
  config: CreateModelOptions["config"],
  { training, of }: { training: ResolvedTraining; of: ModelDefinition },
): ResolvedModel {
  const own = config === undefined ? {} : { config };
  return resolveModelConfig(part, { training, models: [of], parts: [part], ...own });
}
