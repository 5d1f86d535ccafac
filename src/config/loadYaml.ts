import type { z } from "zod";
import { problemsOf, throwProblems } from "./problems.js";
import { readYaml, type YamlFile } from "./yaml/read.js";

/**
 * Reads a YAML file and checks it against `schema`. Errors carry `file:line:column`, what was got, what is allowed and the
 * nearest known key: `config.unknown_key`, `config.wrong_type`, `config.bad_value`, `config.missing_key`, and those of `readYaml`.
 */
export function loadYaml<S extends z.ZodType>(
  path: string,
  schema: S,
  name: string = path,
): { value: z.output<S>; file: YamlFile } {
  const file = readYaml(path, name);
  checkFile(file, schema);
  return { value: schema.parse(file.value), file };
}

/** Throws what is wrong with a file, each problem at its place. */
export function checkFile(file: YamlFile, schema: z.ZodType): void {
  throwProblems(problemsOf(schema, file.value), ({ path, of }) => file.position(path, of));
}
