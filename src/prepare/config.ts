import { z } from "zod";
import { featuresConfigSchema } from "../features/index.js";
import { DEFAULT_MAX_GAP } from "../market/index.js";
import { FoldwiseError } from "../types/index.js";
import { parseLength } from "../validation/index.js";

const share = z.number().gt(0).lt(1);
const distance = z.number().gt(0).max(100);

const labelSchema = z.strictObject({
  entry: z
    .enum(["next_open", "close"])
    .default("next_open")
    .describe("Price at which a position would be opened: the next bar's open, or this bar's close."),
  k: z
    .union([distance, z.record(z.string().regex(/^\d+$/), distance)])
    .default(0.5)
    .describe("Distance of each barrier in units of ATR · √horizon; one number, or one for each horizon in bars."),
  target_neutral: share
    .nullable()
    .default(null)
    .describe("Wanted share of label 0. Where given, it chooses k for each horizon, on training rows only."),
  atr_period: z.number().int().min(2).max(1000).default(14).describe("Bars of Wilder's average true range."),
  session: z
    .enum(["cross", "truncate", "drop"])
    .default("cross")
    .describe(
      "Where the horizon reaches beyond the session: cross into the next one, truncate at the session's last bar, or drop the label.",
    ),
});

const weightsSchema = z.strictObject({
  uniqueness: z
    .boolean()
    .default(true)
    .describe("Weigh each row by the average uniqueness of its label; otherwise all rows weigh 1."),
  time_decay: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe("Weight factor of the oldest training row, rising to 1 for the newest; 1 is no decay."),
});

const splitSchema = z
  .strictObject({
    train: share.default(0.7).describe("Share of the rows, in time order."),
    val: share.default(0.15),
    test: share.default(0.15),
  })
  .refine(({ train, val, test }) => Math.abs(train + val + test - 1) < 1e-9, {
    message: "train, val and test must add up to 1",
  });

/** What `prepare` takes from YAML: how bars become rows, labels, weights and parts. */
export const prepareConfigSchema = z.strictObject({
  horizons: z
    .array(z.union([z.number().int().positive(), z.string().min(1)]))
    .min(1)
    .default([5, 10, 15, 20])
    .describe("Label horizons, in bars or as times such as 100m, 4h, 1d."),
  max_gap: z
    .number()
    .int()
    .nonnegative()
    .default(DEFAULT_MAX_GAP)
    .describe("More missing bars than this start a new piece; shorter holes are bridged by row count."),
  adjust: z
    .enum(["ratio", "difference", "none"])
    .default("ratio")
    .describe("How prices of successive contracts are joined; none: each contract is a piece of its own."),
  outside_session: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe("What becomes of bars outside of every session of the symbol; they are counted."),
  features: featuresConfigSchema.prefault({}),
  label: labelSchema.prefault({}),
  weights: weightsSchema.prefault({}),
  split: splitSchema.prefault({}),
});

export type PrepareConfig = z.output<typeof prepareConfigSchema>;

/** `docs/schemas/prepare.schema.json`, of `config/prepare.yaml`. */
export function prepareJsonSchema(): Record<string, unknown> {
  return {
    title: "Foldwise: config/prepare.yaml",
    ...z.toJSONSchema(prepareConfigSchema, { io: "input", target: "draft-7", unrepresentable: "any" }),
  };
}

/**
 * Horizons in bars, ascending.
 *
 * @throws FoldwiseError `config.horizons` for one that is zero or stands twice, `usage.length` for one that is no length.
 */
export function resolveHorizons(horizons: PrepareConfig["horizons"], step: number | null): number[] {
  const bars = horizons.map((written) => parseLength(written, step)).sort((a, b) => a - b);
  bars.forEach((horizon, i) => {
    if (horizon < 1 || horizon === bars[i - 1]) {
      const problem = horizon < 1 ? "is not a positive number of bars" : "stands there twice";
      throw new FoldwiseError("config.horizons", `Horizons ${horizons.join(", ")}: ${horizon} ${problem}.`, {
        remedy: "Give each horizon once, 1 bar or more.",
        details: { horizons },
      });
    }
  });
  return bars;
}

/** The k of one horizon, where `target_neutral` does not choose it. */
export function fixedK(k: PrepareConfig["label"]["k"], horizon: number): number {
  if (typeof k === "number") return k;
  const own = k[String(horizon)];
  if (own !== undefined) return own;
  throw new FoldwiseError(
    "config.label_k",
    `label.k has no entry for horizon ${horizon}; it has ${Object.keys(k).join(", ")}.`,
    {
      remedy: `Add ${horizon}: 0.5 under label.k, or write one number for all horizons.`,
      details: { horizon },
    },
  );
}
