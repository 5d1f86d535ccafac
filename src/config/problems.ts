/** Schema issues as sentences: what was got, what is allowed, where. */
import type { z } from "zod";
import { didYouMean, type ErrorCode, FoldwiseError } from "../types/index.js";
import { allowedAt, keysAt } from "./allowed.js";
import { dotted, isTree, type Path, valueAt } from "./tree.js";

export interface Problem {
  code: Extract<ErrorCode, `config.${string}`>;
  path: Path;
  /** Where it stands: at the key, or at the value. */
  of: "key" | "value";
  /** A sentence without its place. */
  text: string;
  remedy: string;
}

/** Checks `value` against `schema`; the list is empty when it fits. */
export function problemsOf(schema: z.ZodType, value: unknown): Problem[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => fromIssue(issue, [], schema, value));
}

const MOST_TOLD = 50;

/** Throws one error that names every problem (of more than 50 the first ones), each with its place. `place` turns a problem into `file:line:column`. */
export function throwProblems(problems: readonly Problem[], place: (problem: Problem) => string): void {
  const first = problems[0];
  if (first === undefined) return;
  // To find a place costs a look through the file, and nobody reads a thousand lines.
  const told = problems.slice(0, MOST_TOLD);
  const lines = told.map((problem) => `${place(problem)}: ${problem.text}`);
  const more = problems.length > told.length ? `\nand ${problems.length - told.length} more` : "";
  throw new FoldwiseError(first.code, `${lines.join("\n")}${more}`, {
    remedy: [...new Set(told.map(({ remedy }) => remedy))].join(" "),
    details: { problems: told.map(({ code, path }, i) => ({ code, key: dotted(path), message: lines[i] })) },
  });
}

/** An unknown key: the nearest of the allowed ones, and all of them. */
export function unknownKey(path: Path, allowed: readonly string[]): Problem {
  const parent = path.slice(0, -1);
  const where = parent.length === 0 ? "" : ` in ${dotted(parent)}`;
  return {
    code: "config.unknown_key",
    path,
    of: "key",
    text: `unknown key "${path.at(-1)}"${where}${didYouMean(String(path.at(-1)), allowed)}`,
    remedy: `Allowed${where}: ${allowed.join(", ")}.`,
  };
}

function fromIssue(issue: z.core.$ZodIssue, prefix: Path, schema: z.ZodType, root: unknown): Problem[] {
  const path = [...prefix, ...issue.path.map((key) => (typeof key === "number" ? key : String(key)))];
  if (issue.code === "unrecognized_keys") {
    const allowed = keysAt(schema, path);
    return issue.keys.map((key) => unknownKey([...path, key], allowed));
  }
  if (issue.code === "invalid_union") {
    const inner = deepestBranch(issue.errors);
    if (inner !== undefined) return inner.flatMap((error) => fromIssue(error, path, schema, root));
  }
  if (issue.code === "custom") {
    return [{ code: "config.bad_value", path, of: "value", text: `${dotted(path)} ${issue.message}.`, remedy: MEND }];
  }
  const got = valueAt(root, path);
  const allowed = allowedAt(schema, path) ?? issue.message;
  const isMissing = got === undefined;
  return [
    {
      code: isMissing ? "config.missing_key" : isTypeIssue(issue) ? "config.wrong_type" : "config.bad_value",
      path,
      of: "value",
      text: isMissing
        ? `${dotted(path)} is missing; it must be ${allowed}.`
        : `${dotted(path) || "the file"} must be ${allowed}; got ${describe(got)}.`,
      remedy: isMissing ? "Add the key." : MEND,
    },
  ];
}

const MEND = "Change the value, or leave the key out for its default.";

/** Of a union's alternatives, the one whose mapping was meant: its problems lie inside, not at the value itself. */
function deepestBranch(errors: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  return errors.find((issues) => issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"));
}

const isTypeIssue = (issue: z.core.$ZodIssue): boolean =>
  issue.code === "invalid_type" || issue.code === "invalid_union";

/** A value as a message shows it: kind and content, cut short. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isTree(value)) return `a mapping of ${Object.keys(value).length}`;
  if (typeof value !== "string") return String(value);
  const text = value.length > 60 ? `${value.slice(0, 57)}…` : value;
  return `the text ${JSON.stringify(text)}`;
}
