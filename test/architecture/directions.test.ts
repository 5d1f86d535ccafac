import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIOME = join(ROOT, "node_modules", "@biomejs", "biome", "bin", "biome");

const folders = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const ROOMS = folders(join(ROOT, "src")).sort();
const ALL_BUT_CLI = ROOMS.filter((room) => room !== "cli");

/** The design's directions: what each room may import, besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  types: [],
  files: ["types"],
  market: ["types"],
  labels: ["types"],
  validation: ["types"],
  evaluation: ["types"],
  features: ["types", "market"],
  models: ["types"],
  config: ["types", "files", "models"],
  data: ["types", "files", "validation"],
  engine: ["types", "files"],
  prepare: ["types", "files", "data", "features", "labels", "market", "validation"],
  artifacts: ["types", "files", "data"],
  inference: ["types", "files", "data", "artifacts", "evaluation", "market", "models", "prepare"],
  report: ["types", "evaluation"],
  audit: ["types", "files", "data", "labels", "validation", "prepare", "artifacts", "report", "training"],
  training: ALL_BUT_CLI.filter((room) => room !== "audit"),
  cli: ALL_BUT_CLI,
};
const PURE = ["types", "market", "features", "labels", "validation", "evaluation"];
const OWNERS: Record<string, string> = {
  "@duckdb/node-api": "data",
  "onnxruntime-node": "inference",
  pino: "engine",
  commander: "cli",
  "cli-progress": "cli",
};

/** A tree with one file an import, under the project's own rules. */
let tree: string;
/** Paths of the files that the rules refuse. */
let refused: Set<string>;

const place = (path: string, text: string): void => {
  mkdirSync(join(tree, path, ".."), { recursive: true });
  writeFileSync(join(tree, path), text);
};

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), "foldwise-rules-"));
  const config = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(tree, "biome.json"), JSON.stringify({ ...config, vcs: { enabled: false } }));
  copyFileSync(join(ROOT, "biome.rooms.jsonc"), join(tree, "biome.rooms.jsonc"));
  for (const room of ROOMS) {
    for (const other of ROOMS.filter((name) => name !== room)) {
      place(`src/${room}/index_of_${other}.ts`, `export * from "../${other}/index.js";\n`);
      place(`src/${room}/inner/index_of_${other}.ts`, `export * from "../../${other}/index.js";\n`);
      place(`src/${room}/inside_of_${other}.ts`, `export * from "../${other}/anything.js";\n`);
      place(`src/${room}/later_index_of_${other}.ts`, `export const later = () => import("../${other}/index.js");\n`);
      place(`src/${room}/later_of_${other}.ts`, `export const later = () => import("../${other}/anything.js");\n`);
    }
    place(`src/${room}/own.ts`, 'export * from "./inner/file.js";\n');
    place(`src/${room}/inner/own.ts`, 'export * from "../file.js";\n');
    place(`src/${room}/node.ts`, 'export * from "node:fs/promises";\n');
    place(`src/${room}/clock.ts`, "export const now = performance.now();\n");
    for (const [index, name] of Object.keys(OWNERS).entries()) {
      place(`src/${room}/package_${index}.ts`, `export * from "${name}";\n`);
      place(`src/${room}/later_package_${index}.ts`, `export const later = () => import("${name}");\n`);
    }
  }
  place("src/index.ts", 'export * from "./cli/index.js";\n');
  place("bench/cli.ts", 'export * from "../src/cli/index.js";\n');
  place("bench/data.ts", 'export * from "../src/data/index.js";\n');
  place("bench/inside.ts", 'export * from "../src/data/store.js";\n');
  const args = [BIOME, "lint", "--reporter=json", "--max-diagnostics=none", "."];
  const { stdout } = spawnSync(process.execPath, args, { cwd: tree, encoding: "utf8", maxBuffer: 1 << 28 });
  refused = filesOf(stdout);
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** Files with an error of the three rules, from Biome's JSON. */
function filesOf(stdout: string): Set<string> {
  const report = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  const rules = /noRestrictedImports|noNodejsModules|noRestrictedGlobals/;
  return new Set(
    report.diagnostics.flatMap(({ category, location }) => {
      if (!rules.test(category)) return [];
      const path = typeof location.path === "string" ? location.path : location.path.file;
      return [path.replaceAll("\\", "/").replace(/^\.\//, "")];
    }),
  );
}

describe("import directions, held by `biome ci`", () => {
  it("name every room", () => {
    expect(Object.keys(MAY_IMPORT).sort()).toEqual(ROOMS);
  });

  it.each(ROOMS)("%s imports the rooms of the design, and no other", (room) => {
    const others = ROOMS.filter((name) => name !== room);
    for (const path of ["index", "inner/index", "later_index"]) {
      const allowed = others.filter((other) => !refused.has(`src/${room}/${path}_of_${other}.ts`));
      expect(allowed.sort()).toEqual([...MAY_IMPORT[room]!].filter((other) => other !== room).sort());
    }
  });

  it.each(ROOMS)("%s reaches into no other room behind its index.ts, nor by import()", (room) => {
    for (const other of ROOMS.filter((name) => name !== room)) {
      expect(refused).toContain(`src/${room}/inside_of_${other}.ts`);
      expect(refused).toContain(`src/${room}/later_of_${other}.ts`);
    }
  });

  it("leave a room's own files alone", () => {
    const own = ROOMS.flatMap((room) => [`src/${room}/own.ts`, `src/${room}/inner/own.ts`]);
    expect(own.filter((path) => refused.has(path))).toEqual([]);
  });

  it("keep Node's modules and the clock out of the pure rooms", () => {
    expect(ROOMS.filter((room) => refused.has(`src/${room}/node.ts`))).toEqual([...PURE].sort());
    expect(ROOMS.filter((room) => refused.has(`src/${room}/clock.ts`))).toEqual([...PURE].sort());
  });

  it("give each heavy package one room", () => {
    for (const [index, owner] of Object.values(OWNERS).entries()) {
      for (const file of [`package_${index}.ts`, `later_package_${index}.ts`]) {
        expect(ROOMS.filter((room) => !refused.has(`src/${room}/${file}`))).toEqual([owner]);
      }
    }
  });

  it("hold for the benchmarks and the public index", () => {
    expect(refused).toContain("src/index.ts");
    expect([...refused].filter((path) => path.startsWith("bench/")).sort()).toEqual([
      "bench/cli.ts",
      "bench/inside.ts",
    ]);
  });
});

describe("the tree", () => {
  it("has an index.ts in every room", () => {
    expect(ROOMS.filter((room) => !existsSync(join(ROOT, "src", room, "index.ts")))).toEqual([]);
  });
});
