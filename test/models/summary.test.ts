import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/files/index.js";
import { BUILTIN } from "../../src/models/index.js";
import { GRAPHS, implementationSummary, SUITES } from "./summary.js";

it("docs/models/IMPLEMENTATION_SUMMARY.md is what registry and adapters say (npx vitest run test/models -u writes it)", async () => {
  await expect(implementationSummary()).toMatchFileSnapshot("../../docs/models/IMPLEMENTATION_SUMMARY.md");
});

it("names of every model with an engine who writes its graph, and of no other", () => {
  const engines = BUILTIN.filter(({ kind }) => kind === "engine").map(({ id }) => id);
  expect(Object.keys(GRAPHS).sort()).toEqual(engines.sort());
});

it("the suites that it names have tests of every model", () => {
  const root = packageRoot();
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const listed = execFileSync(process.execPath, [vitest, "list", ...SUITES, "--json"], { cwd: root, encoding: "utf8" });
  const tests = JSON.parse(listed.slice(listed.indexOf("["))) as { name: string; file: string }[];
  for (const suite of SUITES) {
    const names = tests.filter(({ file }) => file === join(root, suite)).map(({ name }) => name);
    const lacking = BUILTIN.filter(({ id }) => !names.some((name) => name.split(/[ ,:>]+/).includes(id)));
    expect(
      lacking.map(({ id }) => id),
      suite,
    ).toEqual([]);
  }
});
