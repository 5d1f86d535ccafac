import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { cvReportJsonSchema, parseCvReport } from "../../src/report/index.js";

const SCHEMA = new URL("../../docs/schemas/cv.schema.json", import.meta.url);

it("the shipped schema of a cross-validation's report is the one it is written by", async () => {
  await expect(`${JSON.stringify(cvReportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  expect(() =>
    z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema),
  ).not.toThrow();
});

it("what is no such report is refused by name", () => {
  for (const text of ["{", "{}", '{"format":1}']) {
    expect(() => parseCvReport(text, "reports/x_cv.json")).toThrow(
      /reports\/x_cv\.json is no report of a cross-validation/,
    );
  }
});
