import { statSync } from "node:fs";
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { readRegular } from "../../files/index.js";
import { FoldwiseError } from "../../types/index.js";
import { isTree, type Path, type Tree } from "../tree.js";

const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 50;
/** Values that aliases may stand for, in all: enough for shared settings, far from a bomb. */
const MAX_ALIASES = 100;

/** A YAML file whose values know where they stand. */
export interface YamlFile {
  /** As it is shown in messages. */
  name: string;
  /** The whole file; an empty one is `{}`. */
  value: Tree;
  /** `name:line:column` of the value (or of its key) at `path`; of the nearest ancestor where it is missing. */
  position(path: Path, of: "key" | "value"): string;
}

/** Reads a YAML mapping. Throws `config.unreadable`, and what `parseYaml` throws. `name` stands in messages. */
export function readYaml(path: string, name: string = path): YamlFile {
  let text: string;
  try {
    if (statSync(path).size > MAX_BYTES) throw tooLarge(name);
    text = readRegular(path, MAX_BYTES);
  } catch (cause) {
    if (cause instanceof FoldwiseError) throw cause;
    throw unreadable(name, cause, "Give the path of a readable YAML file.");
  }
  return parseYaml(text, name);
}

/** `config.unreadable`: why a file of the configuration cannot be read. */
export function unreadable(name: string, cause: unknown, remedy: string): FoldwiseError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const why = {
    ENOENT: "there is no such file",
    EISDIR: "it is a folder",
    EACCES: "no permission",
    ENOTREG: "it is no regular file",
    EFBIG: "it is too large",
  }[String(code)];
  return new FoldwiseError("config.unreadable", `Could not read ${name}: ${why ?? String(code ?? cause)}.`, {
    remedy,
    cause,
  });
}

/**
 * Parses a YAML mapping. Throws `config.bad_yaml` (syntax, duplicate keys, several documents, tags, tabs; with line and column),
 * `config.yaml_bomb` (aliases that multiply, aliases of themselves, nesting without end, size) and `config.not_a_mapping`.
 */
export function parseYaml(text: string, name: string): YamlFile {
  if (text.length > MAX_BYTES) throw tooLarge(name);
  const { doc, lines } = parse(text, name);
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const value: unknown = toValue(doc, name) ?? {};
  if (!isTree(value)) {
    throw new FoldwiseError("config.not_a_mapping", `${name} must be a mapping of keys to values.`, {
      remedy: "Write lines such as `key: value`.",
    });
  }
  return { name, value, position: (path, of) => at(offsetOf(doc, path, of)) };
}

/** Parses one YAML value, as after `--set key=`. Throws as `parseYaml`. */
export function parseYamlValue(text: string, name: string): unknown {
  return toValue(parse(text, name).doc, name);
}

function parse(text: string, name: string): { doc: Document.Parsed; lines: LineCounter } {
  if (isTooDeep(text)) throw bomb(name, `its values are nested more than ${MAX_DEPTH} deep`);
  const lines = new LineCounter();
  let doc: Document.Parsed;
  try {
    // The parser compares each key with all before it, which takes half a minute for 60 000; `secondKey` does it once for each.
    doc = parseDocument(text, {
      lineCounter: lines,
      stringKeys: true,
      uniqueKeys: false,
      logLevel: "error",
      prettyErrors: false,
    });
  } catch (cause) {
    if (cause instanceof RangeError) throw bomb(name, "its values are nested too deep");
    throw cause;
  }
  const problem = doc.errors[0] ?? doc.warnings[0] ?? secondKey(doc);
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    const what =
      problem.code === "MULTIPLE_DOCS" ? "A file holds one document; a second one begins here" : problem.message;
    throw new FoldwiseError("config.bad_yaml", `${name}:${line}:${col}: ${what}.`, {
      remedy: "Mend the YAML at that place.",
      details: { file: name, line, column: col },
    });
  }
  return { doc, lines };
}

/** The first key that stands twice in one mapping. */
function secondKey(doc: Document.Parsed): { code: string; message: string; pos: [number, number] } | undefined {
  let found: { code: string; message: string; pos: [number, number] } | undefined;
  visit(doc, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const [name, range] = isScalar(key) ? [key.value, key.range] : [key, null];
        if (seen.has(name)) {
          const at = range?.[0] ?? 0;
          found = {
            code: "DUPLICATE_KEY",
            message: `Map keys must be unique; "${String(name)}" stands twice`,
            pos: [at, at],
          };
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return found;
}

function toValue(doc: Document.Parsed, name: string): unknown {
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (!(cause instanceof ReferenceError || cause instanceof RangeError)) throw cause;
    if (/unresolved alias/i.test(cause.message)) {
      throw new FoldwiseError("config.bad_yaml", `${name}: ${cause.message}.`, { remedy: "Define the anchor first." });
    }
    throw bomb(name, "its aliases multiply");
  }
  if (isCircular(value, [])) throw bomb(name, "an alias stands inside the value that it names");
  return value;
}

/** The parser recurses, and deep flow nesting kills the process inside a regular expression: look before parsing. */
function isTooDeep(text: string): boolean {
  if (/(?:[-?:][ \t]+){50}/.test(text)) return true;
  let depth = 0;
  let indent = 0;
  let lineStart = true;
  for (const char of text) {
    if (char === "\n") [lineStart, indent] = [true, 0];
    else if (lineStart && char === " ") indent += 1;
    else lineStart = false;
    if (char === "[" || char === "{") depth += 1;
    else if ((char === "]" || char === "}") && depth > 0) depth -= 1;
    if (depth > MAX_DEPTH || indent > 8 * MAX_DEPTH) return true;
  }
  return false;
}

function isCircular(value: unknown, ancestors: readonly object[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (ancestors.includes(value) || ancestors.length > 2 * MAX_DEPTH) return true;
  return Object.values(value).some((inner) => isCircular(inner, [...ancestors, value]));
}

const pairs = new WeakMap<YAMLMap, Map<string, Pair>>();

/** A mapping's entries by key: `find` for each key of a long mapping would look at all of them each time. */
function pairsOf(node: YAMLMap): Map<string, Pair> {
  let found = pairs.get(node);
  if (found === undefined) {
    found = new Map(node.items.map((pair) => [String(isScalar(pair.key) ? pair.key.value : pair.key), pair]));
    pairs.set(node, found);
  }
  return found;
}

function offsetOf(doc: Document.Parsed, path: Path, of: "key" | "value"): number {
  let node: Node | null = doc.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(doc) ?? null;
    if (!isCollection(node)) return offset;
    const item: unknown = isMap(node) ? pairsOf(node).get(String(key)) : node.items[Number(key)];
    if (item === undefined) return offset;
    const keyNode = isPair(item) ? (item.key as Node | null) : null;
    const valueNode = (isPair(item) ? item.value : item) as Node | null;
    offset = keyNode?.range?.[0] ?? offset;
    const last = depth === path.length - 1;
    if (!(last && of === "key")) offset = valueNode?.range?.[0] ?? offset;
    node = valueNode;
  }
  return offset;
}

function tooLarge(name: string): FoldwiseError {
  return bomb(name, `it is larger than ${MAX_BYTES / 1024} KiB`);
}

function bomb(name: string, why: string): FoldwiseError {
  return new FoldwiseError("config.yaml_bomb", `${name} is refused: ${why}.`, {
    remedy: "Write the values out; a configuration file is small and flat.",
  });
}
