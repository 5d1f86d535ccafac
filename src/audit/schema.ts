import { z } from "zod";
import { CHECKS } from "./subject.js";

const count = z.int().nonnegative();
const text = z.string();
const verdict = z.enum(["certain", "suspect"]);

const findingSchema = z.strictObject({
  check: z.enum(CHECKS),
  verdict: verdict.describe("certain: a leak, or a defect that lets one through. suspect: look at it."),
  split: text.nullable().describe("The rows that are fitted, and those that they are judged by."),
  horizon: count.nullable().describe("Bars."),
  feature: text.nullable().describe("The first of them, where there are several."),
  message: text,
  remedy: text,
  evidence: z.record(text, z.union([z.number(), text, z.null()])).describe("The numbers behind the message."),
  rows: z.array(count).describe("Some of the rows, from 0 in the order of time."),
});

/** One audited dataset, split or run of one symbol. */
export const auditSchema = z.strictObject({
  format: z.literal(1),
  head_line: text,
  verdict: z.enum(["certain", "suspect", "none"]).describe("The gravest of the findings'."),
  symbol: text,
  kind: z.enum(["dataset", "split", "run"]).describe("split: rows as a file says they are used, nothing purged."),
  run_id: text.nullable(),
  sources: z.array(text),
  rows: count,
  features: count,
  horizons: z.array(count),
  splits: z.array(
    z.strictObject({
      name: text,
      fitted: count,
      held: z.array(z.strictObject({ name: text, rows: count })),
    }),
  ),
  checks: z.array(
    z.strictObject({
      check: z.enum(CHECKS),
      verdict: z.enum(["certain", "suspect", "none", "skipped"]),
      looked: text.describe("What was looked at; of a skipped check, why nothing was."),
    }),
  ),
  findings: z.array(findingSchema),
  notices: z.array(text),
  seconds: z.number().nonnegative(),
});
export type Audit = z.infer<typeof auditSchema>;

/** `docs/schemas/audit.schema.json`. */
export function auditJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: audit",
    ...z.toJSONSchema(auditSchema, { io: "input", target: "draft-7", reused: "ref" }),
  };
}
