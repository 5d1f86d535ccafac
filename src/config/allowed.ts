/** What a schema allows, in words: read from its JSON Schema, so that any zod schema can be asked. */
import { z } from "zod";
import { isTree, type Path, type Tree } from "./tree.js";

/** `a whole number from 0 to 24`, `true or false`, `one of: cpu, cuda`; undefined where the schema has nothing at `path`. */
export function allowedAt(schema: z.ZodType, path: Path): string | undefined {
  const found = schemaAt(schema, path);
  return found.length === 0 ? undefined : unique(found.map(inWords)).join(", or ");
}

/** The keys that a mapping at `path` may have. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  return unique(schemaAt(schema, path).flatMap((node) => Object.keys(isTree(node.properties) ? node.properties : {})));
}

/** Every dotted key of a schema of nested mappings, leaves and branches. */
export function allKeys(schema: z.ZodType): string[] {
  const walk = (node: Tree, prefix: string): string[] =>
    Object.entries(isTree(node.properties) ? node.properties : {}).flatMap(([key, inner]) => [
      prefix + key,
      ...(isTree(inner) ? walk(inner, `${prefix}${key}.`) : []),
    ]);
  return walk(jsonSchema(schema), "");
}

export function jsonSchema(schema: z.ZodType): Tree {
  return { ...z.toJSONSchema(schema, { io: "input", target: "draft-7", unrepresentable: "any" }) };
}

function schemaAt(schema: z.ZodType, path: Path): Tree[] {
  let nodes = alternatives(jsonSchema(schema));
  for (const key of path) nodes = nodes.flatMap((node) => alternatives(childOf(node, key)));
  return nodes;
}

function childOf(node: Tree, key: string | number): unknown {
  if (typeof key === "number") return Array.isArray(node.items) ? node.items[key] : node.items;
  if (isTree(node.properties) && Object.hasOwn(node.properties, key)) return node.properties[key];
  return node.additionalProperties;
}

function alternatives(node: unknown): Tree[] {
  if (!isTree(node)) return [];
  const inner = node.anyOf ?? node.oneOf ?? node.allOf;
  return Array.isArray(inner) ? inner.flatMap(alternatives) : [node];
}

function inWords(node: Tree): string {
  if ("const" in node) return `only ${show(node.const)}`;
  if (Array.isArray(node.enum)) return `one of: ${node.enum.map(show).join(", ")}`;
  switch (node.type) {
    case "integer":
      return `a whole number${range(node)}`;
    case "number":
      return `a number${range(node)}`;
    case "boolean":
      return "true or false";
    case "string":
      // An example says more than a pattern.
      if (Array.isArray(node.examples)) return `text such as ${node.examples.join(", ")}`;
      return typeof node.pattern === "string" ? `text that matches ${node.pattern}` : "text";
    case "array": {
      const items = unique(alternatives(node.items).map(inWords)).join(", or ");
      return items === "" ? "a list" : `a list, each item ${items}`;
    }
    case "object":
      return "a mapping of keys to values";
    case "null":
      return "null";
    default:
      return "another value";
  }
}

function range(node: Tree): string {
  const bound = (key: string): number | undefined => {
    const value = node[key];
    return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
  };
  const [min, above, max, below] = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"].map(bound);
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  const low = min !== undefined ? `${min} or more` : above !== undefined ? `above ${above}` : undefined;
  const high = max !== undefined ? `up to ${max}` : below !== undefined ? `below ${below}` : undefined;
  const both = [low, high].filter((part) => part !== undefined).join(" and ");
  return both === "" ? "" : both.startsWith("above") || both.startsWith("below") ? ` ${both}` : `, ${both}`;
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const unique = (items: readonly string[]): string[] => [...new Set(items)];
