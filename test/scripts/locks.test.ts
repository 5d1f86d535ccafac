import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOCKS = join(ROOT, "engine", "locks");
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8");

const locks = readdirSync(LOCKS).filter((name) => name.endsWith(".txt"));
/** A lock's requirements: `name==version` and what follows it up to the next. */
const requirements = (name: string): string[] =>
  readFileSync(join(LOCKS, name), "utf8")
    .replace(/^\s*#.*$/gm, "")
    .split(/^(?=\S)/m)
    .map((text) => text.trim())
    .filter((text) => text !== "");

describe.each(locks)("engine/locks/%s", (name) => {
  it("names no registry, so that everyone's own is used", () => {
    expect(readFileSync(join(LOCKS, name), "utf8")).not.toMatch(/https?:|--(extra-)?index-url|--find-links|-i\s/);
  });

  it("pins every package exactly, with its hashes", () => {
    expect(requirements(name).length).toBeGreaterThan(0);
    for (const requirement of requirements(name)) {
      expect(requirement).toMatch(/^[A-Za-z0-9][\w.-]*==[^\s;\\]+( ; [^\\]+)? \\\n\s+--hash=sha256:[0-9a-f]{64}/);
    }
  });

  it("holds what its .in file asks for", () => {
    const asked = readFileSync(join(LOCKS, name.replace(/txt$/, "in")), "utf8").match(/^[A-Za-z0-9][\w.-]*(==\S+)?/gm)!;
    const pins = requirements(name).map((text) => text.split(/[\s;]/)[0]!);
    for (const one of asked) expect(pins.some((pin) => pin === one || pin.startsWith(`${one}==`))).toBe(true);
  });
});

it("a package that stands in several locks has one version", () => {
  const versions = new Map<string, Map<string, string>>();
  for (const name of locks) {
    for (const requirement of requirements(name)) {
      const [pinned, version] = requirement.split(/\s/)[0]!.split("==");
      const ofLocks = versions.get(pinned!) ?? new Map<string, string>();
      versions.set(pinned!, ofLocks.set(name, [ofLocks.get(name), version].filter(Boolean).join(" ")));
    }
  }
  const different = [...versions].filter(([, ofLocks]) => new Set(ofLocks.values()).size > 1);
  expect(Object.fromEntries(different)).toEqual({});
});

describe("package-lock.json", () => {
  const lock = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, { resolved?: string; integrity?: string; version?: string }>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");

  it("names no registry, so that everyone's own is used", () => {
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(read("package-lock.json")).not.toMatch(/https?:\/\/[^"]*registry/);
  });

  it("has a hash for every package", () => {
    expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? "")).map(([path]) => path)).toEqual([]);
  });
});

describe("package.json", () => {
  const json = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;

  it("pins every dependency exactly, but for Node's types: those of the project that it is installed in will do", () => {
    const { "@types/node": types, ...rest } = { ...json.dependencies, ...json.devDependencies };
    expect(types).toBe(">=20");
    const versions = Object.values(rest);
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it("needs no script of its own at installation", () => {
    expect(Object.keys(json.scripts!).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
  });
});
