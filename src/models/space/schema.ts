/** What a dimension of a search space looks like, in plug-ins and in YAML; `spaceProblems` says whether it makes sense for a model. */
import { z } from "zod";

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** `when` of a dimension. */
export const searchCondition = z
  .strictObject({
    key: z.string().describe("Dotted path of another dimension, or of any key of the model."),
    in: z.array(value).describe("Values of that key."),
  })
  .describe("Drawn only where the key has one of these values; else the configured value is used.");

const range = {
  low: z.number().describe("Lowest value, included."),
  high: z.number().describe("Highest value, included."),
  log: z.boolean().optional().describe("Drawn from the logarithm; low must be above 0."),
};

const when = searchCondition.optional();

/** By the `type` of the dimension. */
export const DIMENSIONS = {
  float: z.strictObject({ type: z.literal("float"), ...range, when }),
  int: z.strictObject({
    type: z.literal("int"),
    ...range,
    step: z.number().optional().describe("Distance between values, 1 by default; none beside log."),
    when,
  }),
  categorical: z.strictObject({
    type: z.literal("categorical"),
    choices: z.array(value).describe("Values, in no order."),
    when,
  }),
} as const;

export const searchDimension = z.discriminatedUnion("type", [DIMENSIONS.float, DIMENSIONS.int, DIMENSIONS.categorical]);
