import type { z } from "zod";
import type { BaseModel } from "../types/index.js";

export type ModelFamily = "boosting" | "neural" | "classical" | "ensemble" | "plugin";

/** A value that a categorical dimension may have, and that a condition compares with. */
export type SearchValue = string | number | boolean | null;

/**
 * When a dimension is drawn at all: where the value of `key` is one of `in`. `key` is the dotted path of another dimension, or of any
 * key of the model: where it is no dimension, its configured value decides.
 */
export interface SearchCondition {
  key: string;
  in: SearchValue[];
}

/**
 * One dimension of a model's search space; tuning samples it, the JSON Schema shows it. `low` and `high` are both included;
 * `log` draws from the logarithm; an int is `low` plus a multiple of `step` (1 by default).
 */
export type SearchDimension = { when?: SearchCondition } & (
  | { type: "float"; low: number; high: number; log?: boolean }
  | { type: "int"; low: number; high: number; log?: boolean; step?: number }
  | { type: "categorical"; choices: SearchValue[] }
);

export interface ModelCapabilities {
  /** (N, F) rows or (N, T, F) windows. */
  input: "tabular" | "sequence";
  /** Has rounds or epochs that the `stop` rows end. */
  earlyStopping: boolean;
  /** `native`: the engine splits on NaN itself; `impute`: a median imputer is part of the graph. */
  missingValues: "native" | "impute";
  importance: "gain" | "permutation";
  /** Rows on which permutation importance is measured, where answers are dear; 2 000 by default. */
  importanceRows?: number | undefined;
  devices: readonly ("cpu" | "cuda")[];
  /** A scaler is part of the graph, and `scaler.json` of the bundle. */
  scaler: boolean;
  /**
   * Share of the training rows, the latest, on which probabilities are made from the scores of a model that was fitted on the
   * earlier ones, purged; absent: the model is fitted on all and gives probabilities itself.
   */
  probabilityRows?: number | undefined;
}

/** A preset: overrides of `model_params` and `training` on top of the schema's defaults. */
export interface PresetValues {
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
}

/**
 * A spelling that older versions or other interfaces of an engine use: accepted, rewritten, one notice each.
 * With `value` it concerns that value of the key only; without, the key itself. `to` is what takes its place
 * (null: the key is removed); `device` asks for that device besides.
 */
export interface OldSpelling {
  /** Dotted path: `model_params.tree_method`. */
  key: string;
  value?: string;
  to: { key: string } | { value: unknown } | null;
  device?: "cpu" | "cuda";
}

/** What every registered model declares; a folder a model under `src/models/`. */
interface DefinitionBase {
  /** One id everywhere: files, registry, YAML, CLI, reports, Python. */
  id: string;
  family: ModelFamily;
  title: string;
  capabilities: ModelCapabilities;
  /** `model_params` of the YAML: strict, every key described and defaulted. */
  params: z.ZodObject;
  /** `training` of the YAML: strict, every key described and defaulted. */
  training: z.ZodObject;
  /** `market` (shipped default, for noisy labels) and `reference` (the requirements' numbers). */
  presets: { market: PresetValues; reference: PresetValues };
  /** Keys that have no effect here: one notice each, not an error. Dotted path (`training.verbose_eval`) → why. */
  ignoredKeys: Record<string, string>;
  oldSpellings: readonly OldSpelling[];
  /** Dotted path (`model_params.max_depth`) → range; in the order in which they are drawn, as far as conditions allow. */
  searchSpace: Record<string, SearchDimension>;
}

/** Fitted by a Python engine, served through ONNX. */
export interface EngineModelDefinition extends DefinitionBase {
  kind: "engine";
  /** Python distributions that must be importable, e.g. `xgboost`; `group` is what `doctor --install` takes. */
  engine: { packages: readonly string[]; group: "base" | "neural" };
  /** Absolute path of a plug-in's Python adapter; null: `foldwise_engine/models/{id}.py`. */
  adapter: string | null;
}

/** Written in TypeScript: fits, predicts and saves itself; no worker, no ONNX. */
export interface TypeScriptModelDefinition extends DefinitionBase {
  kind: "typescript";
  create(config: { model_params: Record<string, unknown>; training: Record<string, unknown> }): BaseModel;
  load(dir: string): Promise<BaseModel>;
}

/**
 * Made of other models, its bases (`model_params.bases`): they are fitted as always, and TypeScript learns how to combine what they say
 * on rows that they have not seen. Its window is the longest of its bases'.
 */
export interface EnsembleModelDefinition extends DefinitionBase {
  kind: "ensemble";
}

export type ModelDefinition = EngineModelDefinition | TypeScriptModelDefinition | EnsembleModelDefinition;

/** The schema of one section of a model's YAML. */
export function sectionSchema(definition: ModelDefinition, section: "model_params" | "training"): z.ZodObject {
  return section === "training" ? definition.training : definition.params;
}

/** The schema of one key by its dotted path (`model_params.max_depth`); undefined where the model has none. */
export function keySchema(definition: ModelDefinition, path: string): z.core.$ZodType | undefined {
  const [section, key, ...rest] = path.split(".");
  if ((section !== "model_params" && section !== "training") || key === undefined || rest.length > 0) return undefined;
  const { shape } = sectionSchema(definition, section);
  return Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** The dotted paths of all keys of a model. */
export const modelKeys = ({ params, training }: ModelDefinition): string[] => [
  ...Object.keys(params.shape).map((key) => `model_params.${key}`),
  ...Object.keys(training.shape).map((key) => `training.${key}`),
];
