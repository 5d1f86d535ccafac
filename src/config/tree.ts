/** Plain YAML values, and what is done with them: paths, merging, leaves. */

export type Tree = { [key: string]: unknown };
export type Path = readonly (string | number)[];

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const dotted = (path: Path): string => path.join(".");

/** The value at `path`; undefined where there is none. Own properties only. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** Sets a value, making the mappings on the way. */
export function setAt(root: Tree, path: readonly string[], value: unknown): void {
  let tree = root;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(tree, key) ? tree[key] : undefined;
    if (isTree(next)) tree = next;
    else tree = tree[key] = {};
  }
  tree[path.at(-1)!] = value;
}

export function removeAt(root: Tree, path: readonly string[]): void {
  const parent = valueAt(root, path.slice(0, -1));
  if (isTree(parent)) delete parent[path.at(-1)!];
}

/** Every path to something that is not a mapping with entries, in order. */
export function leaves(value: unknown, path: readonly string[] = []): { path: readonly string[]; value: unknown }[] {
  if (!isTree(value) || (Object.keys(value).length === 0 && path.length > 0)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}
