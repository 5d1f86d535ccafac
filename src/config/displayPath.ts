import { relative, resolve, sep } from "node:path";
import { packageRoot } from "../files/index.js";

/** A path as people are shown it: relative to the working folder where it lies inside, `foldwise/…` in the package. */
export function displayPath(path: string, cwd: string): string {
  const full = resolve(cwd, path);
  const inside = (root: string): string | undefined => {
    const rest = relative(root, full);
    return rest === "" || rest === ".." || rest.startsWith(`..${sep}`) || resolve(rest) === rest ? undefined : rest;
  };
  const own = inside(cwd);
  if (own !== undefined) return own;
  const packaged = inside(packageRoot());
  return packaged === undefined ? full : `foldwise/${packaged}`;
}
