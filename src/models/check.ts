import { z } from "zod";
import { FoldwiseError } from "../types/index.js";
import { keySchema, type ModelDefinition, sectionSchema } from "./definition.js";
import { spaceProblems } from "./space/check.js";

const SECTIONS = ["model_params", "training"] as const;
const JSON_SCHEMA = { io: "input", target: "draft-7" } as const;
const ID = /^[a-z][a-z0-9_]{0,63}$/;

/**
 * Everything about a definition that its type cannot say: throws `model.bad_definition` naming all that is wrong.
 * Each key needs a default and a description, presets must fit the schemas and set the same keys, and dotted
 * paths must lead somewhere.
 */
export function checkDefinition(definition: ModelDefinition): void {
  const problems = [...idProblems(definition), ...schemaProblems(definition)];
  if (problems.length === 0) problems.push(...presetProblems(definition), ...pathProblems(definition));
  if (problems.length === 0) return;
  throw new FoldwiseError(
    "model.bad_definition",
    `The definition of model ${JSON.stringify(definition.id)} is not valid:\n  - ${problems.join("\n  - ")}`,
    {
      remedy: "Mend the definition; docs/guides/MODEL_INTEGRATION_GUIDE.md shows a whole one.",
      details: { model: definition.id, problems },
    },
  );
}

function idProblems({ id }: ModelDefinition): string[] {
  return ID.test(id) && id !== "all" ? [] : [`id must be lower-case letters, digits and "_", and not "all"`];
}

function schemaProblems(definition: ModelDefinition): string[] {
  return SECTIONS.flatMap((section) => {
    const problems: string[] = [];
    const defaults = sectionSchema(definition, section).safeParse({});
    if (!defaults.success) problems.push(...issues(defaults.error, `${section} without values`));
    try {
      const properties = Object.entries(
        z.toJSONSchema(sectionSchema(definition, section), JSON_SCHEMA).properties ?? {},
      );
      for (const [key, value] of properties)
        if (typeof value === "boolean" || value.description === undefined)
          problems.push(`${section}.${key} has no description`);
    } catch (cause) {
      problems.push(`${section} has no JSON Schema (${cause instanceof Error ? cause.message : String(cause)})`);
    }
    return problems;
  });
}

function presetProblems(definition: ModelDefinition): string[] {
  const problems: string[] = [];
  for (const [name, preset] of Object.entries(definition.presets)) {
    for (const section of SECTIONS) {
      const parsed = sectionSchema(definition, section).safeParse(preset[section]);
      if (!parsed.success) problems.push(...issues(parsed.error, `presets.${name}.${section}`));
    }
  }
  const { market, reference } = definition.presets;
  for (const section of SECTIONS) {
    const [a, b] = [Object.keys(market[section]).sort(), Object.keys(reference[section]).sort()];
    if (a.join() !== b.join()) problems.push(`the presets set different keys of ${section}: ${a} and ${b}`);
  }
  return problems;
}

function pathProblems(definition: ModelDefinition): string[] {
  const known = (path: string): boolean => keySchema(definition, path) !== undefined;
  const problems = spaceProblems(definition, definition.searchSpace).map(
    ({ key, text }) => `searchSpace: ${key} ${text}`,
  );
  for (const path of Object.keys(definition.ignoredKeys))
    if (known(path)) problems.push(`ignoredKeys: ${path} is a key of the model, so it cannot be ignored`);
  for (const { to } of definition.oldSpellings)
    if (to !== null && "key" in to && !known(to.key))
      problems.push(`oldSpellings: ${to.key} is not a key of the model`);
  return problems;
}

function issues(error: z.ZodError, where: string): string[] {
  return error.issues.map(({ path, message }) => `${[where, ...path].join(".")}: ${message}`);
}
