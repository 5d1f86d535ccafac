import { z } from "zod";
import { defineEnsemble } from "../ensemble/define.js";
import { bases } from "../ensemble/params.js";

const params = z
  .strictObject({
    ...bases,
    voting: z
      .enum(["soft", "hard"])
      .default("soft")
      .describe("soft: weighted mean of probabilities; hard: shares of the votes for the likeliest class, smoothed."),
    weights: z
      .union([z.enum(["equal", "fitted", "greedy"]), z.array(z.number().min(0)).min(1)])
      .default("fitted")
      .describe(
        "fitted: least log-loss on the calibrate rows, shrunk towards equal; greedy: selection with replacement on them; or one number a base.",
      ),
    shrinkage: z
      .number()
      .min(0)
      .default(10)
      .describe("fitted: effective labels that the wish for equal weights is worth."),
    greedy_rounds: z.int().min(1).max(1000).default(25).describe("greedy: most members, a base counted each time."),
    greedy_bags: z
      .int()
      .min(1)
      .max(1000)
      .default(10)
      .describe("greedy: selections among random halves of the bases, averaged; 1: one among all."),
  })
  .refine(({ bases, weights }) => !Array.isArray(weights) || !Array.isArray(bases) || weights.length === bases.length, {
    path: ["weights"],
    message: "must have one number for each of bases",
  })
  .refine(({ weights }) => !Array.isArray(weights) || weights.some((weight) => weight > 0), {
    path: ["weights"],
    message: "are all zero; at least one must be above 0",
  });

export const voting = defineEnsemble({
  id: "voting",
  title: "Weighted vote of other models",
  params,
  searchSpace: {
    "model_params.voting": { type: "categorical", choices: ["soft", "hard"] },
    "model_params.weights": { type: "categorical", choices: ["equal", "fitted", "greedy"] },
    "model_params.shrinkage": {
      type: "float",
      low: 0.1,
      high: 1000,
      log: true,
      when: { key: "model_params.weights", in: ["fitted"] },
    },
    "model_params.greedy_rounds": {
      type: "int",
      low: 5,
      high: 100,
      log: true,
      when: { key: "model_params.weights", in: ["greedy"] },
    },
  },
});
