import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of Foldwise's own `package.json`, whether this file runs from `src/`, `dist/` or an installed package. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) throw new Error("Foldwise's package.json is missing: the installation is damaged.");
  }
}

/** A checkout has the sources; the published package does not carry them. */
export function isCheckout(root: string = packageRoot()): boolean {
  return existsSync(join(root, "src", "files", "package.ts"));
}

export function packageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  return typeof json === "object" && json !== null && "version" in json ? String(json.version) : "unknown";
}
