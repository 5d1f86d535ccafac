import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LEFT_OUT = /^(__pycache__|node_modules|fixtures|\..*)$|\.egg-info$/;

/** Paths of the files below `folder` whose name ends so, hidden and generated folders left out. */
function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.test(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path, ending);
    return ending.test(entry.name) ? [relative(".", path)] : [];
  });
}

const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");

it("no source file has more than 400 lines", () => {
  const sources = ["src", "engine", "scripts", "test", "bench", "examples"].flatMap((folder) =>
    filesBelow(folder, /\.(ts|mjs|js|py)$/),
  );
  expect(sources.length).toBeGreaterThan(200);
  expect(sources.filter((path) => text(path).split("\n").length - 1 > 400)).toEqual([]);
});

it("nothing in Python writes or reads a pickle", () => {
  const python = ["engine/foldwise_engine", "examples"].flatMap((folder) => filesBelow(folder, /\.py$/));
  expect(python.length).toBeGreaterThan(15);
  const pickles =
    /^\s*(import|from)\s+(c?pickle|joblib|dill|cloudpickle|shelve)\b|torch\.load\(|allow_pickle\s*=\s*True/m;
  expect(python.filter((path) => pickles.test(text(path)))).toEqual([]);
});

it("packages that are loaded at their first use are those of these files", () => {
  const required = filesBelow("src", /\.ts$/).flatMap((path) =>
    [...text(path).matchAll(/\b(?:load|require)\("((?!node:)[^"]+)"\)/g)].map(([, name]) => `${path}: ${name}`),
  );
  expect(required.sort()).toEqual([
    "src/data/native.ts: @duckdb/node-api",
    "src/data/native.ts: @duckdb/node-bindings",
    "src/engine/pool/log.ts: pino",
    "src/inference/runtime.ts: onnxruntime-node",
  ]);
  const makers = filesBelow("src", /\.ts$/).filter((path) => /createRequire\(/.test(text(path)));
  expect(makers.sort()).toEqual(["src/data/native.ts", "src/engine/pool/log.ts", "src/inference/runtime.ts"]);
});

it("pure rooms draw no random numbers and read no clock", () => {
  const pure = ["types", "market", "features", "labels", "validation", "evaluation"].flatMap((room) =>
    filesBelow(join("src", room), /\.ts$/),
  );
  expect(pure.filter((path) => /Math\.random|Date\.now|new Date\(\)/.test(text(path)))).toEqual([]);
});
