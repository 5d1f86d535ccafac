import { safeParse } from "zod/v4/core";
import { keySchema, type ModelDefinition, type SearchDimension } from "../definition.js";

/** Something of a search space that cannot be drawn from, or that the model would refuse. */
export interface SpaceProblem {
  /** Dotted path of the dimension. */
  key: string;
  /** Where in the dimension it lies: `["low"]`, `["choices", 2]`, `["when", "key"]`; empty: the dimension itself. */
  path: readonly (string | number)[];
  /** What is wrong, as the rest of a sentence about `key`. */
  text: string;
  /** The key that a `when` or the dimension itself names and the model does not have. */
  unknown?: string;
  /** A value that the schema of `of` refuses. */
  refused?: { of: string; value: unknown };
}

type Space = Readonly<Record<string, SearchDimension>>;
type Found = Omit<SpaceProblem, "key">;

/** All that is wrong with `space` as a search space of the model; the list is empty where every draw gives values that the model takes. */
export function spaceProblems(definition: ModelDefinition, space: Space): SpaceProblem[] {
  return Object.entries(space).flatMap(([key, dimension]) => {
    if (keySchema(definition, key) === undefined)
      return [{ key, path: [], text: "is not a key of the model", unknown: key }];
    const ranged = dimension.type === "categorical" ? choiceProblems(dimension) : rangeProblems(dimension);
    // What cannot be drawn from is mended first: its values say nothing yet.
    const own = ranged.length > 0 ? ranged : valueProblems(definition, key, dimension);
    return [...own, ...conditionProblems(definition, space, key)].map((problem) => ({ key, ...problem }));
  });
}

function rangeProblems(dimension: Exclude<SearchDimension, { type: "categorical" }>): Found[] {
  const { type, low, high, log = false } = dimension;
  const problems: Found[] = [];
  const add = (path: Found["path"], text: string) => problems.push({ path, text });
  for (const [name, bound] of [
    ["low", low],
    ["high", high],
  ] as const) {
    if (!Number.isFinite(bound)) add([name], `has ${name} ${bound}, which is not finite`);
    else if (type === "int" && !Number.isInteger(bound))
      add([name], `is an int and has ${name} ${bound}, which is no whole number`);
  }
  if (low > high) add(["low"], `has low ${low} above high ${high}`);
  if (log && low <= 0) add(["low"], `has a log scale from ${low}; low must be above 0`);
  if (type === "int" && dimension.step !== undefined) {
    const { step } = dimension;
    if (!Number.isInteger(step) || step < 1) add(["step"], `has step ${step}; it must be a whole number of 1 or more`);
    else if (log && step !== 1) add(["step"], `has step ${step} beside a log scale, which has no steps`);
  }
  return problems;
}

function choiceProblems({ choices }: Extract<SearchDimension, { type: "categorical" }>): Found[] {
  if (choices.length === 0) return [{ path: ["choices"], text: "has no choices" }];
  return choices.flatMap((choice, i) =>
    choices.indexOf(choice) < i ? [{ path: ["choices", i], text: `has the choice ${show(choice)} twice` }] : [],
  );
}

/** Bounds and choices go through the key's own schema; of a float also a value between, so that it is none of a key of whole numbers. */
function valueProblems(definition: ModelDefinition, key: string, dimension: SearchDimension): Found[] {
  if (dimension.type === "categorical")
    return dimension.choices.flatMap((choice, i) => refusal(definition, key, choice, ["choices", i]));
  const { type, low, high } = dimension;
  const bounds = [...refusal(definition, key, low, ["low"]), ...refusal(definition, key, high, ["high"])];
  if (bounds.length > 0 || type === "int" || low === high) return bounds;
  const between = low + (high - low) / Math.E;
  return accepts(definition, key, between)
    ? []
    : [{ path: ["type"], text: `is a float, but the model takes no value such as ${between.toPrecision(3)}; use int` }];
}

function conditionProblems(definition: ModelDefinition, space: Space, key: string): Found[] {
  const when = space[key]?.when;
  if (when === undefined) return [];
  const path = ["when", "key"];
  if (when.key === key) return [{ path, text: "has a condition on itself" }];
  if (keySchema(definition, when.key) === undefined)
    return [{ path, text: `has a condition on ${when.key}, which is not a key of the model`, unknown: when.key }];
  if (when.in.length === 0) return [{ path: ["when", "in"], text: "has a condition that no value meets: in is empty" }];
  const circle = circleFrom(space, key);
  if (circle !== null) return [{ path, text: `stands in a circle of conditions: ${circle.join(" → ")}` }];
  return when.in.flatMap((value, i) => refusal(definition, when.key, value, ["when", "in", i]));
}

/** The way from `key` by conditions back to it; null where it ends elsewhere. */
function circleFrom(space: Space, key: string): string[] | null {
  const way = [key];
  for (let next = space[key]?.when?.key; next !== undefined; next = space[next]?.when?.key) {
    if (next === key) return [...way, key];
    if (way.includes(next)) return null;
    way.push(next);
  }
  return null;
}

function refusal(definition: ModelDefinition, key: string, value: unknown, path: Found["path"]): Found[] {
  if (accepts(definition, key, value)) return [];
  const where = path.filter((step) => typeof step === "string").join(".");
  const text = `has ${where} ${show(value)}, which ${path[0] === "when" ? key : "the model"} does not take`;
  return [{ path, text, refused: { of: key, value } }];
}

function accepts(definition: ModelDefinition, key: string, value: unknown): boolean {
  const schema = keySchema(definition, key);
  return schema !== undefined && safeParse(schema, value).success;
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
