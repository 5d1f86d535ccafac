import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { parseTuningReport, tuningReportJsonSchema } from "../../src/report/index.js";

const SCHEMA = new URL("../../docs/schemas/tune.schema.json", import.meta.url);

it("the shipped schema of a tuning report is the one it is written by", async () => {
  await expect(`${JSON.stringify(tuningReportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  expect(() =>
    z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema),
  ).not.toThrow();
});

it("what is no such report is refused by name", () => {
  for (const text of ["{", "{}", '{"format":1}'])
    expect(() => parseTuningReport(text, "reports/x_tune.json")).toThrow(
      /reports\/x_tune\.json is no report of tuning/,
    );
});
