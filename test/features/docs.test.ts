import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { catalogue, catalogueMarkdown, planFeatures } from "../../src/features/index.js";
import { MINUTE } from "./bars.js";

it("docs/features.md is what the code says (npm run build && node scripts/feature-docs.mjs)", () => {
  expect(readFileSync(new URL("../../docs/features.md", import.meta.url), "utf8")).toBe(catalogueMarkdown());
});

it("the catalogue lists the columns of a plan, in order", () => {
  const plan = planFeatures({}, { step: MINUTE, rows: 1e9 });
  expect(catalogue().map((row) => row.name)).toEqual(plan.spec.names);
});

it("one-minute bars have about 180 features", () => {
  expect(catalogue().length).toBeGreaterThanOrEqual(175);
  expect(catalogue().length).toBeLessThanOrEqual(200);
});
