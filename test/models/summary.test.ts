import { expect, it } from "vitest";
import { BUILTIN } from "../../src/models/index.js";
import { CASES } from "../conformance/cases.js";
import { GRAPHS, implementationSummary } from "./summary.js";

it("docs/models/IMPLEMENTATION_SUMMARY.md is what registry and adapters say (npx vitest run test/models -u writes it)", async () => {
  await expect(implementationSummary()).toMatchFileSnapshot("../../docs/models/IMPLEMENTATION_SUMMARY.md");
});

it("names of every model with an engine who writes its graph, and of no other", () => {
  const engines = BUILTIN.filter(({ kind }) => kind === "engine").map(({ id }) => id);
  expect(Object.keys(GRAPHS).sort()).toEqual(engines.sort());
});

it("the conformance suite has cases of every model", () => {
  const tested = CASES.map(({ definition }) => definition);
  expect(BUILTIN.filter((definition) => !tested.includes(definition)).map(({ id }) => id)).toEqual([]);
});
