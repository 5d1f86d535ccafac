import { z } from "zod";

const threeOrNull = z.tuple([z.number().nullable(), z.number().nullable(), z.number().nullable()]);

/**
 * What a bundle makes of its probabilities: a prediction set and a signal. Fitted on rows that the model's fit did not use; `decide`
 * of `inference` applies it.
 */
export const decisionSchema = z
  .strictObject({
    /** Null where there were too few labels to fit anything on. */
    sets: z
      .strictObject({
        /** `adaptive`: as it stood when the last label of those rows was known; outcomes are needed to go on from there. */
        method: z.enum(["plain", "class_conditional", "adaptive"]),
        /** Share of rows whose set is to hold the true class. */
        level: z.number().gt(0).lt(1),
        /** Fitted on so many. */
        rows: z.int().positive(),
        /** A class is in the set where 1 − p ≤ this, classes −1, 0, 1; null: always. */
        thresholds: threeOrNull,
      })
      .nullable(),
    signal: z.discriminatedUnion("rule", [
      z.strictObject({
        rule: z.literal("expected_value"),
        /** Mean return of a long position by what became of it, −1, 0, 1; null: unknown. */
        class_returns: threeOrNull,
        /** What a round trip costs, as a return: the median of those rows. Null: no costs are known, they count as none. */
        cost: z.number().nonnegative().nullable(),
      }),
      z.strictObject({ rule: z.literal("probability"), threshold: z.number().gt(0).lte(1) }),
      z.strictObject({ rule: z.literal("set_size") }),
    ]),
  })
  .refine(({ sets, signal }) => sets !== null || signal.rule !== "set_size", "signals by set size without sets");

export type Decision = z.infer<typeof decisionSchema>;
