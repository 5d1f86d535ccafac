import { z } from "zod";
import { FoldwiseError } from "../../types/index.js";
import { choiceSchema } from "./choice.js";
import { comparisonSchema } from "./comparison.js";

const text = z.string();

/** `reports/{SYMBOL}_h{H}_selection.json`: what a run's models of one symbol and horizon are beside one another. */
export const selectionSchema = z.strictObject({
  format: z.literal(1),
  symbol: text,
  horizon: z.int().positive().describe("Bars."),
  synthetic: z.boolean(),
  run_id: text,
  created: z.iso.datetime(),
  comparison: comparisonSchema.nullable().describe("Null where the run has one model only."),
  choice: choiceSchema.nullable().describe("Null of a training run."),
});
export type SelectionReport = z.infer<typeof selectionSchema>;

/** The text of a report's file. */
export const encodeSelection = (report: SelectionReport): string =>
  `${JSON.stringify(selectionSchema.parse(report), null, 2)}\n`;

/** Reads the text of a report's file; throws `data.bad_report`. `path` is for the message. */
export function parseSelection(content: string, path: string): SelectionReport {
  let why: string;
  try {
    const parsed = selectionSchema.safeParse(JSON.parse(content));
    if (parsed.success) return parsed.data;
    why = z.prettifyError(parsed.error).replaceAll("\n", " ");
  } catch (cause) {
    why = cause instanceof Error ? cause.message : String(cause);
  }
  throw new FoldwiseError("data.bad_report", `${path} is no report of a selection: ${why}`, {
    remedy: "Remove it: without it the run's other reports are shown.",
  });
}

/** `docs/schemas/selection.schema.json`. */
export function selectionJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: selection report",
    ...z.toJSONSchema(selectionSchema, { io: "input", target: "draft-7", reused: "ref" }),
  };
}
