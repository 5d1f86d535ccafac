import { resolve } from "node:path";
import { resolveModelConfig, resolveTrainingConfig } from "../config/index.js";
import { createPool, type EnginePool } from "../engine/index.js";
import { ModelRegistry } from "../models/index.js";
import { chooseDevice } from "./device.js";
import { type TrainableModel, trainable } from "./model.js";
import { originOfArrays } from "./origin.js";

export interface CreateModelOptions {
  /** Sections `model_params` and `training`, as in the model's YAML. */
  config?: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
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
  const { cwd = process.cwd() } = options;
  const training = resolveTrainingConfig({
    cwd,
    flags: { seed: options.seed, preset: options.preset, device: options.device },
  });
  const settings = resolveModelConfig(definition, {
    training,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  const pool = options.pool ?? defaultPool(cwd);
  return trainable(definition, {
    pool,
    model_params: settings.model_params,
    training: settings.training,
    seed: training.config.seed,
    device: async () => {
      const { device, notice } = await chooseDevice(definition, settings, training.config, pool);
      if (notice !== undefined) options.onNotice?.(notice);
      return device;
    },
    origin: originOfArrays(),
  });
}
