import { z } from "zod";
import {
  BUILTIN,
  conditionWords,
  DIMENSIONS,
  dimensionWords,
  type ModelDefinition,
  modelKeys,
  type SearchDimension,
} from "../models/index.js";
import { jsonSchema } from "./allowed.js";
import { symbolsJsonSchema } from "./symbols.js";
import { trainingFileSchema, tunedMark } from "./training.js";
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
      search_space: z.strictObject({}).optional().describe("What tuning may change; foldwise models --space shows it."),
      tuned: tunedMark
        .nullable()
        .optional()
        .describe("Written by tuning: the values were chosen on train and validation rows, which reports then say."),
    }),
  );
  const space = isTree(schema.properties) ? schema.properties.search_space : undefined;
  if (isTree(space)) space.properties = spaceProperties(definition);
  for (const [path, why] of Object.entries(definition.ignoredKeys)) {
    const [section = "", key = ""] = path.split(".");
    const properties = isTree(schema.properties) ? schema.properties[section] : undefined;
    if (isTree(properties) && isTree(properties.properties)) {
      properties.properties[key] = { deprecated: true, description: `No effect: ${why}.` };
    }
  }
  const { $schema, ...dimension } = jsonSchema(anyDimension);
  return { title: `Foldwise: config/models/${definition.id}.yaml`, ...schema, definitions: { dimension } };
}

const { float, int, categorical } = DIMENSIONS;

/** A whole dimension or a part of one: which fields belong together depends on what the part changes. */
const anyDimension = z
  .strictObject({
    ...float.shape,
    ...int.shape,
    ...categorical.shape,
    type: z
      .enum(["float", "int", "categorical"])
      .describe("Needed for a whole dimension; a part changes the shipped one."),
  })
  .partial()
  .extend({ when: float.shape.when.nullable() })
  .nullable();

function spaceProperties(definition: ModelDefinition): Tree {
  const inWords = (dimension: SearchDimension): string => {
    const { type, range, scale } = dimensionWords(dimension);
    const when = dimension.when === undefined ? "" : `, where ${conditionWords(dimension.when)}`;
    return `Shipped: ${type === "categorical" ? "one of" : `${type} from`} ${range}${scale === "log" ? " on a log scale" : ""}${when}.`;
  };
  const ofKey = (key: string): Tree => {
    const shipped = definition.searchSpace[key];
    return {
      ...(shipped === undefined
        ? { description: "Not tuned unless a dimension is given." }
        : { default: shipped, description: inWords(shipped) }),
      anyOf: [{ $ref: "#/definitions/dimension" }],
    };
  };
  return {
    "*": { type: "null", description: "null: leave out every dimension that this file does not name." },
    ...Object.fromEntries(modelKeys(definition).map((key) => [key, ofKey(key)])),
  };
}
