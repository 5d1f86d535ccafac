import type { z } from "zod";
import { didYouMean, FoldwiseError } from "../types/index.js";
import { problemsOf, throwProblems } from "./problems.js";
import { type Setting, settingsTree } from "./settings.js";
import { dotted, isTree, leaves, type Path, setAt, type Tree } from "./tree.js";
import type { YamlFile } from "./yaml/read.js";

/** From the strongest to the weakest (design, section 9). */
export const LAYERS = ["flag", "config", "user", "preset", "package", "built-in"] as const;
export type LayerName = (typeof LAYERS)[number];

/** Where a value comes from: its layer, and the place in words (`config/training.yaml:7:5`, `--seed`, `preset market`). */
export interface Source {
  layer: LayerName;
  from: string;
}

/** Dotted key → source, a line each key of the resolved configuration. */
export type Provenance = Record<string, Source>;

/** Values of one source, not yet merged; they have passed their schema. */
export interface Layer {
  layer: LayerName;
  values: Tree;
  from(path: Path, of?: "key" | "value"): string;
}

/** A layer of a file's values, or of those below `base` in it. `values` when they were rewritten after reading. */
export function fileLayer(layer: LayerName, file: YamlFile, values: Tree, base: Path = []): Layer {
  return { layer, values, from: (path, of = "value") => file.position([...base, ...path], of) };
}

export function settingsLayer(settings: readonly Setting[]): Layer {
  return { layer: "flag", values: settingsTree(settings), from: (path) => sourceOf(settings, path) };
}

export function namedLayer(layer: LayerName, values: Tree, from: string): Layer {
  return { layer, values, from: () => from };
}

/** Merges layers, weakest first: mappings key by key, everything else whole. */
export function mergeLayers(layers: readonly Layer[]): { values: Tree; provenance: Provenance } {
  const values: Tree = {};
  const provenance: Provenance = {};
  for (const layer of layers) {
    for (const { path, value } of leaves(layer.values)) {
      // An empty mapping says nothing; it must not wipe out what weaker layers say.
      if (path.length === 0 || isTree(value)) continue;
      setAt(values, path, value);
      provenance[dotted(path)] = { layer: layer.layer, from: layer.from(path) };
    }
  }
  return { values, provenance };
}

/** The merged values with defaults filled in; keys that no layer had are `built-in`. Throws what only the whole can break. */
export function finish<S extends z.ZodType>(
  schema: S,
  merged: { values: Tree; provenance: Provenance },
  what: string,
): { value: z.output<S>; provenance: Provenance } {
  throwProblems(problemsOf(schema, merged.values), ({ path }) => merged.provenance[dotted(path)]?.from ?? what);
  const value = schema.parse(merged.values);
  const provenance: Provenance = {};
  for (const { path } of leaves(value)) {
    const key = dotted(path);
    provenance[key] = merged.provenance[key] ?? { layer: "built-in", from: "built-in" };
  }
  return { value, provenance };
}

/** Throws what `schema` refuses in a layer, each problem at its place. */
export function checkLayer(layer: Layer, schema: z.ZodType): void {
  throwProblems(problemsOf(schema, layer.values), ({ path, of }) => layer.from(path, of));
}

/** The error for a `--set` key that nothing has; `candidates` are the dotted keys that exist. */
export function unknownSetting({ path, source }: Setting, candidates: readonly string[]): FoldwiseError {
  const key = dotted(path);
  if (candidates.includes(key)) {
    return new FoldwiseError(
      "config.unknown_key",
      `${source}: "${key}" belongs to a model that this call does not train.`,
      {
        remedy: "Leave the setting out, or train the model that has it; docs/schemas/ lists the keys of each.",
        details: { key },
      },
    );
  }
  const whole = candidates.find((candidate) => candidate.endsWith(`.${key}`));
  const hint = whole === undefined ? didYouMean(key, candidates) : `; did you mean "${whole}"?`;
  return new FoldwiseError("config.unknown_key", `${source}: unknown key "${key}"${hint}`, {
    remedy: "`foldwise models` and docs/schemas/ list the keys.",
    details: { key },
  });
}

function sourceOf(settings: readonly Setting[], path: Path): string {
  const key = dotted(path);
  const found = settings.find(({ path: own }) => key === dotted(own) || key.startsWith(`${dotted(own)}.`));
  const below = found ?? settings.find(({ path: own }) => dotted(own).startsWith(`${key}.`));
  return below?.source ?? "--set";
}
