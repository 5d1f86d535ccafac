import { z } from "zod";
import type { ResolvedModel } from "../../config/index.js";
import { type DrawnDimension, drawnDimensions, type ModelDefinition } from "../../models/index.js";
import { FoldwiseError } from "../../types/index.js";
import type { ParamValue, SpaceDimension } from "./tuner.js";

/** The two sections of a model's settings. */
export interface Sections {
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
}

/** What a study draws from, and where it begins. */
export interface TuningSpace {
  /** Dotted keys (`model_params.max_depth`); one with a condition stands after the one that it depends on. */
  dimensions: SpaceDimension[];
  /** The settings without tuning, as points of the space: trial 0 is told to Optuna as these. */
  defaults: Record<string, ParamValue>;
  /** Keys whose default lies outside of its range; trial 0 is fitted with the default all the same. */
  outside: string[];
}

/**
 * The space of a resolved model; see `drawnDimensions`.
 *
 * @throws FoldwiseError `config.empty_space` where nothing is left to search.
 */
export function spaceOf(definition: ModelDefinition, settings: ResolvedModel): TuningSpace {
  const dimensions = drawnDimensions(settings.searchSpace, settings).map(dimensionOf);
  if (dimensions.length === 0) {
    throw new FoldwiseError("config.empty_space", `There is nothing to search for ${definition.id}.`, {
      remedy: `Name dimensions under search_space: in config/models/${definition.id}.yaml; \`foldwise models --space ${definition.id}\` shows what there is.`,
    });
  }
  const defaults: Record<string, ParamValue> = {};
  const outside: string[] = [];
  for (const dimension of dimensions) {
    const { name, when } = dimension;
    if (when !== null && !(when.name in defaults && when.values.includes(defaults[when.name]!))) continue;
    const own = valueAt(settings, name);
    const near = nearest(dimension, own);
    defaults[name] = near;
    if (near !== own) outside.push(name);
  }
  return { dimensions, defaults, outside };
}

/** A copy of the settings with these parameters in place. */
export function withParams(
  { model_params, training }: Sections,
  params: Readonly<Record<string, ParamValue>>,
): Sections {
  const sections: Sections = { model_params: { ...model_params }, training: { ...training } };
  for (const [key, value] of Object.entries(params)) {
    const [section, name] = parted(key);
    sections[section][name] = value;
  }
  return sections;
}

/**
 * Whether the model takes the settings: two parameters may each be allowed and not go together.
 *
 * @throws FoldwiseError `config.bad_value`.
 */
export function checkSections(definition: ModelDefinition, { model_params, training }: Sections): void {
  const parsed = z
    .strictObject({ model_params: definition.params, training: definition.training })
    .safeParse({ model_params, training });
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw new FoldwiseError("config.bad_value", `${issue?.path.join(".")}: ${issue?.message}`, {
    remedy: "Leave such combinations out of the search space, or narrow it.",
  });
}

export function valueAt(settings: Sections, key: string): ParamValue {
  const [section, name] = parted(key);
  const value = settings[section][name];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

function parted(key: string): ["model_params" | "training", string] {
  const [section, ...rest] = key.split(".");
  if (section !== "model_params" && section !== "training") throw new Error(`${key} is no key of a model`);
  return [section, rest.join(".")];
}

function dimensionOf({ key, dimension, when }: DrawnDimension): SpaceDimension {
  const own = { name: key, when: when === null ? null : { name: when.key, values: [...when.in] } };
  switch (dimension.type) {
    case "categorical":
      return { ...own, type: "categorical", choices: [...dimension.choices] };
    case "int": {
      const { low, high, log = false, step = 1 } = dimension;
      return { ...own, type: "int", low, high, log, step };
    }
    case "float": {
      const { low, high, log = false } = dimension;
      return { ...own, type: "float", low, high, log };
    }
  }
}

/** The point of the dimension that is nearest to a value. */
function nearest(dimension: SpaceDimension, value: ParamValue): ParamValue {
  if (dimension.type === "categorical") return dimension.choices.includes(value) ? value : dimension.choices[0]!;
  if (typeof value !== "number") return dimension.low;
  const within = Math.min(Math.max(value, dimension.low), dimension.high);
  if (dimension.type === "float") return within;
  const { low, high, step } = dimension;
  // The range need not end on a step.
  const steps = Math.min(Math.round((within - low) / step), Math.floor((high - low) / step));
  return low + steps * step;
}
