/** The text of the shipped `config/`, made from the schemas: one truth per option. A test holds the files to it. */
import { stringify } from "yaml";
import type { z } from "zod";
import type { ModelDefinition } from "../models/index.js";
import { jsonSchema } from "./allowed.js";
import { trainingFileSchema } from "./training.js";
import { isTree, type Tree } from "./tree.js";

/** `config/training.yaml`. */
export function renderTrainingYaml(): string {
  return [
    "# yaml-language-server: $schema=../docs/schemas/training.schema.json",
    "# Defaults of a call. Stronger, from the strongest: --set and named flags, --config, a config/ folder of your own.",
    ...mapping(jsonSchema(trainingFileSchema), 0, () => undefined),
    "",
  ].join("\n");
}

/** `config/models/{id}.yaml`. A key that a preset or the training file gives stands there, and is only named here. */
export function renderModelYaml(definition: ModelDefinition): string {
  const { id, family, presets } = definition;
  const familyKeys = familyKeysOf(family);
  const section = (name: "model_params" | "training", schema: z.ZodObject): string[] => [
    Object.keys(schema.shape).length === 0 ? `${name}: {}` : `${name}:`,
    ...mapping(jsonSchema(schema), 1, (key) => {
      if (key in presets.market[name]) return "set by the preset";
      if (name === "model_params") return undefined;
      if (key === "seq_len" && familyKeys.includes("default_seq_lens"))
        return `in config/training.yaml, under training.${family}.default_seq_lens`;
      return familyKeys.includes(key) ? `in config/training.yaml, under training.${family}` : undefined;
    }),
  ];
  const preset = (name: "market" | "reference", about: string): string[] => {
    const values = Object.fromEntries(
      Object.entries(presets[name]).filter(([, inner]) => Object.keys(inner).length > 0),
    );
    return [
      `  # ${about}`,
      ...stringify({ [name]: values })
        .trimEnd()
        .split("\n")
        .map((line) => `  ${line}`),
    ];
  };
  return [
    `# yaml-language-server: $schema=../../docs/schemas/${id}.schema.json`,
    `# ${definition.title}.`,
    "# Stronger, from the strongest: --set and named flags, --config, a config/ folder of your own, the preset.",
    ...section("model_params", definition.params),
    "",
    ...section("training", definition.training),
    "",
    "presets:",
    ...preset("market", "For noisy labels: the default."),
    ...preset("reference", "The requirements' numbers, or the engine's own defaults: --preset reference."),
    "",
    `# search_space: {KEY: {low: …, high: …}} changes what tuning tries; \`foldwise models --space ${id}\` shows it.`,
    "",
  ].join("\n");
}

function familyKeysOf(family: string): string[] {
  const section = trainingFileSchema.parse({}).training;
  const values: unknown = (section as Tree)[family];
  return isTree(values) ? Object.keys(values) : [];
}

/** Lines of a mapping: description, key, default. `elsewhere` names where a key's value is kept instead. */
function mapping(schema: Tree, depth: number, elsewhere: (key: string) => string | undefined): string[] {
  const indent = "  ".repeat(depth);
  return Object.entries(isTree(schema.properties) ? schema.properties : {}).flatMap(([key, property]) => {
    if (!isTree(property)) return [];
    const description = String(property.description ?? "");
    const about = `${indent}# ${description}`;
    if (isTree(property.properties)) {
      return [...(depth === 0 ? [""] : []), about, `${indent}${key}:`, ...mapping(property, depth + 1, elsewhere)];
    }
    const place = elsewhere(key);
    if (place !== undefined) return [`${indent}# ${key} is ${place}: ${description}`];
    const value = stringify(property.default, { collectionStyle: "flow", flowCollectionPadding: false }).trimEnd();
    return [...(depth === 0 ? [""] : []), about, `${indent}${key}: ${value}`];
  });
}
