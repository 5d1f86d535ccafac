import { z } from "zod";
import {
  DIMENSIONS,
  type ModelDefinition,
  modelKeys,
  type SearchDimension,
  type SpaceProblem,
  searchCondition,
  searchDimension,
  sectionSchema,
  spaceProblems,
} from "../models/index.js";
import { didYouMean } from "../types/index.js";
import { allowedAt } from "./allowed.js";
import type { ModelFile } from "./modelFiles.js";
import { describe, type Problem, problemsOf, throwProblems, unknownKey } from "./problems.js";
import { isTree, type Path, type Tree, valueAt } from "./tree.js";

type Space = Record<string, SearchDimension>;

/** Stands for all dimensions of weaker layers. */
const ALL = "*";

/**
 * The definition's search space with what the files (weakest first) say under `search_space`: dotted key → a whole dimension (with
 * `type`), the parts of the weaker layers' dimension that change (without), or null to leave it out. `"*": null` leaves out
 * whatever the file does not name. Throws `config.*` with file, line and column.
 */
export function resolveSearchSpace(definition: ModelDefinition, files: readonly ModelFile[]): Space {
  let space: Space = { ...definition.searchSpace };
  const saidBy = new Map<string, ModelFile>();
  for (const file of files) {
    const said = file.value.search_space;
    if (!isTree(said)) continue;
    const before = space;
    const weaker = (key: string): SearchDimension | undefined => before[key] ?? definition.searchSpace[key];
    throwProblems(layerProblems(definition, said, weaker), ({ path, of }) =>
      file.file.position([...file.base, ...path], of),
    );
    if (Object.hasOwn(said, ALL)) space = {};
    for (const [key, entry] of Object.entries(said)) {
      if (key === ALL) continue;
      saidBy.set(key, file);
      if (isTree(entry)) space[key] = merged(weaker(key), entry);
      else delete space[key];
    }
  }
  // What no file speaks of is as the definition has it, and that was checked when it was registered.
  const problems = spaceProblems(definition, space).filter(({ key }) => saidBy.has(key));
  throwProblems(
    problems.map((problem) => inWords(definition, problem)),
    ({ path, of }) => {
      const { file, base, value } = saidBy.get(String(path[1]))!;
      return file.position([...base, ...written(value, path)], of);
    },
  );
  return space;
}

/** Shapes alone: unknown keys, wrong types, missing fields. */
function layerProblems(
  definition: ModelDefinition,
  said: Tree,
  weaker: (key: string) => SearchDimension | undefined,
): Problem[] {
  const keys = modelKeys(definition);
  return Object.entries(said).flatMap(([key, entry]) => {
    const path = ["search_space", key];
    if (key !== ALL && !keys.includes(key)) return [unknownDimension(definition, key)];
    const shape = key === ALL ? z.null() : entrySchema(entry, weaker(key));
    if (shape === null) return [nothingToChange(path)];
    const whole = z.strictObject({ search_space: z.strictObject({ [key]: shape }) });
    return problemsOf(whole, { search_space: { [key]: entry } });
  });
}

/** What an entry must look like: by its `type`, or without one by that of the dimension it changes; null where there is none to change. */
function entrySchema(entry: unknown, weaker: SearchDimension | undefined): z.ZodType | null {
  if (!isTree(entry)) return z.union([z.record(z.string(), z.unknown()), z.null()]);
  if (Object.hasOwn(entry, "type")) {
    const type = kinds.safeParse(entry.type);
    return type.success ? DIMENSIONS[type.data] : z.looseObject({ type: kinds });
  }
  if (weaker === undefined) return null;
  const whole: z.ZodObject = DIMENSIONS[weaker.type];
  return z.strictObject({
    ...whole.omit({ type: true }).partial().shape,
    when: searchCondition.nullable().optional(),
  });
}

const kinds = z.enum(["float", "int", "categorical"]);

/** A dimension after an entry that has passed its schema; `when: null` takes a condition away. */
function merged(weaker: SearchDimension | undefined, entry: Tree): SearchDimension {
  const { when, ...rest } = "type" in entry ? entry : { ...weaker, ...entry };
  // The schema's type says "or undefined" of each optional field; a YAML file has none.
  return searchDimension.parse(when === null || when === undefined ? rest : { ...rest, when }) as SearchDimension;
}

function unknownDimension(definition: ModelDefinition, key: string): Problem {
  const keys = modelKeys(definition);
  const problem = unknownKey(["search_space", key], keys);
  const old = definition.oldSpellings.find((spelling) => spelling.key === key && spelling.value === undefined)?.to;
  const meant = old != null && "key" in old ? old.key : keys.find((known) => known.endsWith(`.${key}`));
  if (meant === undefined) return problem;
  return { ...problem, text: `unknown key "${key}" in search_space; did you mean "${meant}"?` };
}

const nothingToChange = (path: Path): Problem => ({
  code: "config.missing_key",
  path,
  of: "value",
  text: `${path.join(".")} has no type, and there is no dimension that it could change.`,
  remedy: "Write a whole one: {type: float, low: …, high: …}, {type: int, …} or {type: categorical, choices: […]}.",
});

function inWords(definition: ModelDefinition, { key, path, text, unknown, refused }: SpaceProblem): Problem {
  const whole = ["search_space", key, ...path];
  const common = { path: whole, of: "value" as const, remedy: "Change the dimension, or leave it out: null." };
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, modelKeys(definition));
    return { ...common, code: "config.unknown_key", text: `search_space.${key} ${text}${hint}` };
  }
  if (refused !== undefined) {
    const [section = "", name = ""] = refused.of.split(".");
    const schema = sectionSchema(definition, section === "training" ? section : "model_params");
    const allowed = allowedAt(schema, [name]) ?? "another value";
    const what = path[0] === "when" ? `: ${refused.of}` : "";
    return {
      ...common,
      code: "config.bad_value",
      text: `${whole.join(".")}${what} must be ${allowed}; got ${describe(refused.value)}.`,
    };
  }
  return { ...common, code: "config.bad_value", text: `search_space.${key} ${text}.` };
}

/** The place of a problem in a file that may say only a part of the dimension. */
function written(value: Tree, path: Path): Path {
  if (valueAt(value, path) !== undefined) return path;
  const high = [...path.slice(0, 2), "high"];
  return path[2] === "low" && valueAt(value, high) !== undefined ? high : path;
}
