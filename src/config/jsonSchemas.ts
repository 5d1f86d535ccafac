import { z } from "zod";
import { BUILTIN, type ModelDefinition } from "../models/index.js";
import { jsonSchema } from "./allowed.js";
import { symbolsJsonSchema } from "./symbols.js";
import { trainingFileSchema } from "./training.js";
import { isTree, type Tree } from "./tree.js";

/** JSON Schemas (draft 7) of the configuration files, by name: `training`, `symbols`, and each built-in model. Editors complete from them. */
export function jsonSchemas(): Record<string, Tree> {
  return {
    training: { title: "Foldwise: config/training.yaml", ...jsonSchema(trainingFileSchema) },
    symbols: symbolsJsonSchema(),
    ...Object.fromEntries(BUILTIN.map((definition) => [definition.id, modelJsonSchema(definition)])),
  };
}

/** The JSON Schema of `config/models/{id}.yaml`. */
export function modelJsonSchema(definition: ModelDefinition): Tree {
  const sections = {
    model_params: z.strictObject(definition.params.shape).optional(),
    training: z.strictObject(definition.training.shape).optional(),
  };
  const schema = jsonSchema(
    z.strictObject({
      ...sections,
      preset: z.string().optional().describe("The preset of this model; --preset is stronger."),
      presets: z
        .record(z.string(), z.strictObject(sections))
        .optional()
        .describe("Named sets of values: market, reference, and your own."),
    }),
  );
  for (const [path, why] of Object.entries(definition.ignoredKeys)) {
    const [section = "", key = ""] = path.split(".");
    const properties = isTree(schema.properties) ? schema.properties[section] : undefined;
    if (isTree(properties) && isTree(properties.properties)) {
      properties.properties[key] = { deprecated: true, description: `No effect: ${why}.` };
    }
  }
  return { title: `Foldwise: config/models/${definition.id}.yaml`, ...schema };
}
