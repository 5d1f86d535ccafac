import { z } from "zod";
import type { ModelDefinition, SearchDimension } from "../models/index.js";
import { familyLayer } from "./family.js";
import {
  checkLayer,
  fileLayer,
  finish,
  type Layer,
  type LayerName,
  mergeLayers,
  namedLayer,
  type Provenance,
  settingsLayer,
} from "./layers.js";
import { type ModelFile, modelFiles } from "./modelFiles.js";
import { settingsFor } from "./modelSettings.js";
import { choosePreset, hiddenByPreset, hiddenByUser, presetsOf } from "./presets.js";
import type { ResolvedTraining } from "./resolveTraining.js";
import { resolveSearchSpace } from "./searchSpace.js";
import { modernise } from "./spellings.js";
import { type TunedMark, tunedMark } from "./training.js";
import type { Tree } from "./tree.js";

export interface ModelRequest {
  training: ResolvedTraining;
  /** All models of the call: a `--set` key that another of them has is no error here. Default: this one. */
  models?: readonly ModelDefinition[];
  /** Models behind the ensembles of the call; a `--set` key of theirs is no error either, and `--config` with one model's file is not theirs. */
  parts?: readonly ModelDefinition[];
  /** The strongest values of all: the `config` of `trainModel` and of `fit`. */
  config?: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
}

export interface ResolvedModel {
  model: string;
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
  preset: string;
  /** Dotted key → dimension: the definition's space with what `search_space:` of the files changes; in the order of drawing. */
  searchSpace: Record<string, SearchDimension>;
  /** Where the values were chosen by a study on train and validation rows: which; null for values that no study chose. */
  tuned: TunedMark | null;
  provenance: Provenance;
  /** Things to say once: keys without effect, old spellings, shipped values that the preset hides. */
  notices: string[];
  /** A device that the model's own values ask for (`tree_method: gpu_hist`); `device: auto` then means this one. */
  device: "cpu" | "cuda" | null;
}

/**
 * Resolves one model's `model_params` and `training`: flags and `--set`, then `--config`, then the person's own
 * `config/models/{id}.yaml`, then the preset, then the package's file, then the schema's defaults. In each layer the family's
 * values of the training file are weaker than the model's own. Files speak of the search space too, layer by layer. Throws `config.*` with file, line and column.
 */
export function resolveModelConfig(definition: ModelDefinition, request: ModelRequest): ResolvedModel {
  const { training } = request;
  const models = request.models ?? [definition];
  const files = modelFiles(definition, training, models);
  const settings = settingsFor(definition, training.call.modelSettings, [...models, ...(request.parts ?? [])]);
  const preset = choosePreset(training, files);
  const notices: string[] = [];
  let device: ResolvedModel["device"] = null;

  const layers: Layer[] = [];
  const add = (layer: Layer): Layer => {
    const modern = modernise(definition, layer);
    checkLayer(modern.layer, layerSchema(definition));
    notices.push(...modern.notices);
    device = modern.device ?? device;
    layers.push(modern.layer);
    return modern.layer;
  };
  const addOf = (name: LayerName): void => {
    for (const layer of training.call.layers.filter((layer) => layer.layer === name)) {
      const family = familyLayer(definition, layer);
      if (family !== null) layers.push(family);
    }
    for (const file of files.filter(({ layer }) => layer === name)) {
      add(fileLayer(file.layer, file.file, sections(file.value), file.base));
    }
  };

  addOf("package");
  const shipped = layers.at(-1);
  const presetLayers = presetsOf(definition, files, preset).map(add);
  const beforeUser = layers.length;
  addOf("user");
  const own = layers.slice(beforeUser);
  addOf("config");
  addOf("flag");
  add(settingsLayer(settings));
  add(namedLayer("flag", sections({ ...request.config }), "config given to the call"));
  if (shipped?.layer === "package") notices.push(...hiddenByPreset(shipped, presetLayers, preset.name));

  const merged = mergeLayers(layers);
  if (training.provenance.preset?.layer === "flag")
    notices.push(...hiddenByUser(own, presetLayers, preset.name, merged.provenance));
  const { value, provenance } = finish(wholeSchema(definition), merged, definition.id);
  const searchSpace = resolveSearchSpace(definition, files);
  const tuned = tunedOf(files);
  return { model: definition.id, ...value, preset: preset.name, searchSpace, tuned, provenance, notices, device };
}

/** The mark of the strongest file that says something of it; what is shipped was chosen by no study. */
function tunedOf(files: readonly ModelFile[]): TunedMark | null {
  const said = files.filter(({ layer, value }) => layer !== "package" && value.tuned !== undefined).at(-1);
  return said === undefined ? null : tunedMark.nullable().parse(said.value.tuned);
}

/** What one layer may hold: some keys of both sections. Checks that need the whole are made at the end. */
export function layerSchema({ params, training }: ModelDefinition): z.ZodObject {
  return z.strictObject({
    model_params: z.strictObject(params.shape).optional(),
    training: z.strictObject(training.shape).optional(),
  });
}

const wholeSchema = ({ params, training }: ModelDefinition) =>
  z.strictObject({ model_params: params.prefault({}), training: training.prefault({}) });

function sections({ model_params, training }: Tree): Tree {
  return { ...(model_params === undefined ? {} : { model_params }), ...(training === undefined ? {} : { training }) };
}
