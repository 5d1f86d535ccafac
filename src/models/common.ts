/** Options that several models share, so that they have one name, one meaning and one description. */
import { z } from "zod";

export const classWeight = z
  .enum(["none", "balanced"])
  .default("none")
  .describe(
    "balanced: every class weighs the same in the fit; the prior shift that this causes is undone in the probabilities.",
  );

/** A share above 0 and up to 1. */
export const share = (): z.ZodNumber => z.number().gt(0).max(1);

/** Below the least a round changes nothing that float32 scores could hold. */
export const learningRate = (): z.ZodNumber => z.number().min(1e-6).max(1);
