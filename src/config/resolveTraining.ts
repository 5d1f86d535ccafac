import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { packageVersion } from "../files/index.js";
import { ModelRegistry } from "../models/index.js";
import { allKeys } from "./allowed.js";
import { type ConfigFile, configFolders, readConfigFile } from "./configFile.js";
import { displayPath } from "./displayPath.js";
import {
  checkLayer,
  fileLayer,
  finish,
  type Layer,
  mergeLayers,
  type Provenance,
  settingsLayer,
  unknownSetting,
} from "./layers.js";
import { loadYaml } from "./loadYaml.js";
import { allSettings, type Setting } from "./settings.js";
import { configFileSchema, type Grid, type TrainingConfig, trainingFileSchema } from "./training.js";
import type { Tree } from "./tree.js";

export interface TrainingRequest {
  cwd: string;
  /** `--config`: a model's file, a training file or a run's `config.yaml`. Relative to `cwd`. */
  configFile?: string | undefined;
  /** `--set`, as written: `model_params.max_depth=6`, `training.gpu.prefer_gpu=false`, `models.xgboost.training.class_weight=balanced`. */
  set?: readonly string[] | undefined;
  /** Named flags by their dotted key: `{ seed, device, preset, workers, "validation.embargo": … }`; undefined ones are left out. */
  flags?: Readonly<Record<string, unknown>> | undefined;
  /** `--plugin`: added to the configured ones. */
  plugins?: readonly string[] | undefined;
}

/** Everything of a call that is not one model's. */
export interface ResolvedTraining {
  config: TrainingConfig;
  /** Models, symbols and horizons of an earlier run, where `--config` names its `config.yaml`. */
  grid: Partial<Grid>;
  provenance: Provenance;
  /** Things to say once. */
  notices: string[];
  /** What `resolveModelConfig` needs of the call. */
  call: {
    cwd: string;
    layers: readonly Layer[];
    configFile: ConfigFile | null;
    modelSettings: readonly Setting[];
    /** Of a model the file that a tuning run left, or null; weaker than `--config`. None where nobody asked for it. */
    tuned?: (model: string) => string | null;
  };
}

const FAMILY_KEYS = Object.keys(trainingFileSchema.shape.training.unwrap().shape);

/**
 * Resolves `config/training.yaml`: flags and `--set`, then `--config`, then the person's own `config/`, then the package's,
 * then built-in defaults. Throws `config.*` with file, line and column.
 */
export function resolveTrainingConfig(request: TrainingRequest): ResolvedTraining {
  const { cwd } = request;
  const { own, model } = splitSettings(allSettings(request.set, request.flags));
  const configFile =
    request.configFile === undefined
      ? null
      : readConfigFile(resolve(cwd, request.configFile), displayPath(request.configFile, cwd));
  const layers: Layer[] = [];
  const folders = configFolders(cwd);
  addFile(layers, "package", folders.packaged, cwd);
  if (folders.user !== null) addFile(layers, "user", folders.user, cwd);
  if (configFile?.kind === "training")
    layers.push(fileLayer("config", configFile.file, ownKeys(configFile.file.value)));
  const flags = settingsLayer(own);
  checkLayer(flags, trainingFileSchema);
  layers.push(flags);

  const { value: config, provenance } = finish(trainingFileSchema, mergeLayers(layers), "configuration");
  if (request.plugins !== undefined && request.plugins.length > 0) {
    config.plugins = [...new Set([...config.plugins, ...request.plugins])];
    provenance.plugins = { layer: "flag", from: "--plugin" };
  }
  const saved = configFile?.kind === "training" ? configFileSchema.parse(configFile.file.value) : undefined;
  return {
    config,
    grid: withoutUndefined(saved?.grid ?? {}),
    provenance,
    notices: versionNotice(saved?.foldwise, configFile),
    call: { cwd, layers, configFile, modelSettings: model },
  };
}

function addFile(layers: Layer[], layer: "package" | "user", folder: string, cwd: string): void {
  const path = join(folder, "training.yaml");
  if (!existsSync(path)) return;
  const { file } = loadYaml(path, trainingFileSchema, displayPath(path, cwd));
  layers.push(fileLayer(layer, file, file.value));
}

/** Of a run's `config.yaml`, what a training file has. */
function ownKeys(value: Tree): Tree {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key in trainingFileSchema.shape));
}

/** Settings of the training file, and those of models: `model_params.*`, `models.*`, and `training.*` where no family has the key. */
function splitSettings(settings: readonly Setting[]): { own: Setting[]; model: Setting[] } {
  const isModels = ({ path: [first, second] }: Setting): boolean =>
    first === "model_params" ||
    first === "models" ||
    (first === "training" && second !== undefined && !FAMILY_KEYS.includes(second));
  for (const setting of settings) {
    const [first = ""] = setting.path;
    if (!isModels(setting) && !(first in trainingFileSchema.shape)) throw unknownSetting(setting, candidateKeys());
  }
  return { own: settings.filter((setting) => !isModels(setting)), model: settings.filter(isModels) };
}

/** Every key that `--set` knows, for suggestions. */
export function candidateKeys(): string[] {
  const ofModels = ModelRegistry.listAll().flatMap(({ params, training }) => [
    ...Object.keys(params.shape).map((key) => `model_params.${key}`),
    ...Object.keys(training.shape).map((key) => `training.${key}`),
  ]);
  return [...new Set([...allKeys(trainingFileSchema), ...ofModels])];
}

function versionNotice(written: string | undefined, configFile: ConfigFile | null): string[] {
  const version = packageVersion();
  if (written === undefined || configFile === null || written === version) return [];
  return [`${configFile.file.name} was written by Foldwise ${written}; this is ${version}.`];
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
