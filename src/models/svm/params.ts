import { z } from "zod";
import { classWeight } from "../common.js";

/** `model_params`: `C`, `gamma`, `tol` and `cache_size` are scikit-learn's `SVC`'s, `n_components` its `Nystroem`'s. */
export const params = z.strictObject({
  C: z.number().gt(0).default(0.1).describe("Inverse of the penalty's strength; smaller regularises more."),
  gamma: z
    .union([z.literal("scale"), z.number().gt(0)])
    .default("scale")
    .describe("Width of the RBF kernel on standardised features; scale: 1 / (features × their variance)."),
  exact_max_rows: z
    .int()
    .min(0)
    .max(100_000)
    .default(10_000)
    .describe(
      "Up to so many training rows an exact SVC is fitted, above it Nyström; its time grows with their square.",
    ),
  n_components: z
    .int()
    .min(1)
    .max(20_000)
    .default(1000)
    .describe("Rows of the fit that Nyström approximates the kernel by; more cost time in fitting and serving."),
  tol: z.number().gt(0).default(1e-3).describe("The exact solver stops when its conditions are met within."),
  cache_size: z.number().gt(0).default(500).describe("Most megabytes of kernel values that the exact solver keeps."),
});

export const training = z.strictObject({ class_weight: classWeight });
