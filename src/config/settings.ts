/** `--set key=value`, and named flags as the same thing. */
import { FoldwiseError } from "../types/index.js";
import { setAt, type Tree } from "./tree.js";
import { parseYamlValue } from "./yaml/read.js";

export interface Setting {
  path: readonly string[];
  value: unknown;
  /** How the person wrote it, for messages and provenance: `--set seed=3`, `--seed`. */
  source: string;
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*$/;

/**
 * Parses `model_params.max_depth=6`: a dotted key, and a YAML value (number, text, true, null, `[5, 10]`).
 * Throws `config.bad_set` for anything else.
 */
export function parseSet(text: string): Setting {
  const equals = text.indexOf("=");
  const key = text.slice(0, equals).trim();
  const written = text.slice(equals + 1).trim();
  if (equals < 0 || !KEY.test(key) || written === "") {
    throw new FoldwiseError("config.bad_set", `--set ${JSON.stringify(text)} is not of the form key=value.`, {
      remedy: "Write a dotted key and a value, such as --set model_params.max_depth=6; null is written null.",
      details: { got: text },
    });
  }
  return { path: key.split("."), value: parseYamlValue(written, `--set ${key}`), source: `--set ${key}` };
}

/** Named flags (`validation.embargo` → value) as settings; those not given (undefined) are left out. */
export function flagSettings(flags: Readonly<Record<string, unknown>> = {}): Setting[] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const path = key.split(".");
      return { path, value, source: `--${path.at(-1)!.replaceAll("_", "-")}` };
    });
}

/** All settings of a call. The same key twice with different values is refused: neither is stronger. */
export function allSettings(set: readonly string[] = [], flags?: Readonly<Record<string, unknown>>): Setting[] {
  const settings = [...flagSettings(flags), ...set.map(parseSet)];
  const seen = new Map<string, Setting>();
  for (const setting of settings) {
    const key = setting.path.join(".");
    const other = seen.get(key);
    if (other !== undefined && JSON.stringify(other.value) !== JSON.stringify(setting.value)) {
      throw new FoldwiseError(
        "config.set_twice",
        `${key} is set twice: ${other.source} says ${JSON.stringify(other.value)}, ${setting.source} says ${JSON.stringify(setting.value)}.`,
        { remedy: "Give it once." },
      );
    }
    seen.set(key, setting);
  }
  return [...seen.values()];
}

export function settingsTree(settings: readonly Setting[]): Tree {
  const tree: Tree = {};
  for (const { path, value } of settings) setAt(tree, path, value);
  return tree;
}
