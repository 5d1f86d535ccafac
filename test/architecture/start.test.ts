import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** What Node loads before a module's first line: it, and by `import … from` and `export … from` what it needs. Types are erased. */
function loadedWith(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(relative(SRC, path))) return;
    files.add(relative(SRC, path));
    for (const name of importsOf(path)) {
      if (name.startsWith(".")) visit(join(path, "..", name.replace(/\.js$/, ".ts")));
      else if (!name.startsWith("node:")) packages.add(name);
    }
  };
  visit(join(SRC, entry));
  return { files, packages };
}

function importsOf(path: string): string[] {
  expect(existsSync(path), path).toBe(true);
  const statements = readFileSync(path, "utf8").matchAll(/^(?:import|export)\s([^;"]*?)from "([^"]+)";$/gm);
  return [...statements].flatMap(([, names = "", from = ""]) => (isTypeOnly(names) ? [] : [from]));
}

const isTypeOnly = (names: string): boolean => {
  const braced = /^\{([\s\S]*)\}\s*$/.exec(names)?.[1];
  const each = braced?.split(",").filter((name) => name.trim() !== "");
  return /^type\s/.test(names) || (each?.every((name) => /^\s*type\s/.test(name)) ?? false);
};

it("the command line is parsed, and help written, without the packages that do the work", () => {
  const { files, packages } = loadedWith("cli/main.ts");
  expect([...packages].sort()).toEqual(["commander", "fastest-levenshtein"]);
  expect([...files].filter((path) => path.startsWith(join("cli", "actions")))).toEqual([]);
  expect(files.size).toBeLessThan(60);
});

it("what trains computes no features, and neither that nor what predicts loads a native library before its first use", () => {
  for (const entry of ["cli/actions/train.ts", "cli/actions/predict.ts"]) {
    const { files, packages } = loadedWith(entry);
    expect([...files].filter((path) => /^(features|prepare)\b/.test(path))).toEqual([]);
    expect([...packages].filter((name) => /duckdb|onnxruntime|trading-signals|pino/.test(name))).toEqual([]);
  }
});
