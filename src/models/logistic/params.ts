import { z } from "zod";
import { classWeight } from "../common.js";

/** `model_params`: the names and meanings of scikit-learn's `LogisticRegression`. */
export const params = z
  .strictObject({
    C: z
      .number()
      .gt(0)
      .default(0.001)
      .describe("Inverse of the penalty's strength, on standardised features; smaller regularises more."),
    l1_ratio: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("0: L2 penalty, 1: L1, between: elastic net. Above 0 needs solver saga."),
    solver: z
      .enum(["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"])
      .default("lbfgs")
      .describe("Optimiser of the multinomial log-loss."),
    max_iter: z.int().min(1).max(1_000_000).default(1000).describe("Most iterations of the solver."),
    tol: z.number().gt(0).default(1e-4).describe("The solver stops when the gradient is below."),
    fit_intercept: z.boolean().default(true).describe("Learn a constant for every class."),
  })
  .refine((values) => values.l1_ratio === 0 || values.solver === "saga", {
    path: ["solver"],
    message: "must be saga where l1_ratio is above 0",
  });

export const training = z.strictObject({ class_weight: classWeight });
