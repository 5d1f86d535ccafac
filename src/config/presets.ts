import type { ModelDefinition, PresetValues } from "../models/index.js";
import { didYouMean, FoldwiseError } from "../types/index.js";
import { fileLayer, type Layer, type LayerName, mergeLayers, namedLayer, type Provenance } from "./layers.js";
import type { ModelFile } from "./modelFiles.js";
import type { ResolvedTraining } from "./resolveTraining.js";
import { dotted, isTree, leaves, valueAt } from "./tree.js";

export interface ChosenPreset {
  name: string;
  from: string;
}

/** The preset by the same precedence; in one layer, a model file's `preset:` is stronger than the training file's. */
export function choosePreset({ config, provenance }: ResolvedTraining, files: readonly ModelFile[]): ChosenPreset {
  const source = provenance.preset ?? { layer: "built-in", from: "built-in" };
  const order: readonly LayerName[] = ["flag", "config", "user", "package", "built-in"];
  for (const layer of order) {
    const file = files.find((candidate) => candidate.layer === layer && candidate.value.preset !== undefined);
    if (file !== undefined) {
      return { name: String(file.value.preset), from: file.file.position([...file.base, "preset"], "value") };
    }
    if (source.layer === layer) return { name: config.preset, from: source.from };
  }
  return { name: config.preset, from: source.from };
}

/** The layers of the chosen preset: the definition's, then what files say of it. */
export function presetsOf(definition: ModelDefinition, files: readonly ModelFile[], preset: ChosenPreset): Layer[] {
  const builtin = new Map<string, PresetValues>(Object.entries(definition.presets));
  const inFiles = files.filter(({ value }) => isTree(valueAt(value, ["presets", preset.name])));
  const own = builtin.get(preset.name);
  if (own === undefined && inFiles.length === 0) {
    const known = [...new Set([...builtin.keys(), ...files.flatMap(({ value }) => Object.keys(value.presets ?? {}))])];
    throw new FoldwiseError(
      "config.unknown_preset",
      `${preset.from}: model ${definition.id} has no preset "${preset.name}"${didYouMean(preset.name, known)}`,
      { remedy: `Presets of ${definition.id}: ${known.join(", ")}.` },
    );
  }
  const from = `preset ${preset.name}`;
  return [
    ...(own === undefined ? [] : [namedLayer("preset", { ...own }, from)]),
    ...inFiles.map(({ file, base, value }) => {
      const path = [...base, "presets", preset.name];
      const values = valueAt(value, ["presets", preset.name]);
      return fileLayer("preset", file, isTree(values) ? values : {}, path);
    }),
  ];
}

/** Values of the shipped model file that the preset hides: said, because somebody who edits that file in a checkout would wonder. */
export function hiddenByPreset(shipped: Layer, presets: readonly Layer[], preset: string): string[] {
  const { values } = mergeLayers(presets);
  return leaves(shipped.values).flatMap(({ path, value }) => {
    const stronger = valueAt(values, path);
    if (stronger === undefined || stronger === value) return [];
    return [
      `${shipped.from(path)}: ${path.join(".")} has no effect: preset ${preset} sets it to ${JSON.stringify(stronger)}. ` +
        `Change it under presets: ${preset}, with --set, or in a config/ folder of your own.`,
    ];
  });
}

/** Values of a preset, chosen in the call, that the person's own files hide: said, because whoever names a preset expects its values. */
export function hiddenByUser(
  own: readonly Layer[],
  presets: readonly Layer[],
  preset: string,
  provenance: Provenance,
): string[] {
  const { values } = mergeLayers(presets);
  return own.flatMap((layer) =>
    leaves(layer.values).flatMap(({ path, value }) => {
      const hidden = valueAt(values, path);
      // A weaker file of theirs, or a value that the call gives anyway, is none that hides the preset's.
      if (hidden === undefined || hidden === value || provenance[dotted(path)]?.from !== layer.from(path)) return [];
      return [
        `${layer.from(path)}: ${path.join(".")} stays ${JSON.stringify(value)}: your own file is stronger than preset ${preset}, ` +
          `which says ${JSON.stringify(hidden)}. Change it there, or with --set.`,
      ];
    }),
  );
}
