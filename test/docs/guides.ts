import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Guide {
  /** Relative to the repository. */
  path: string;
  text: string;
}

/** README.md and everything people read that is not made from the code. */
export function guides(): Guide[] {
  const below = (folder: string): string[] =>
    existsSync(join(ROOT, folder))
      ? readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      : [];
  const paths = ["README.md", ...["docs/guides", "examples", "bench"].flatMap(below)];
  return paths
    .filter((path) => path.endsWith(".md"))
    .map((path) => ({ path: relative(".", path), text: readFileSync(join(ROOT, path), "utf8") }));
}

/** The fenced blocks of one language, in order. */
export function blocks({ text }: Guide, language: string): string[] {
  return [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].flatMap(([, written, body]) =>
    written === language ? [body!] : [],
  );
}

/** A shell line's words; quotes and trailing comments are taken off. */
export function words(line: string): string[] {
  const bare = line.replace(/\s+#.*$/, "");
  return [...bare.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain!,
  );
}
