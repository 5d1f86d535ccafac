import { z } from "zod";
import { readRegular } from "../files/index.js";
import type { PipelineSpec, Timestamps } from "../types/index.js";
import { dataError } from "./failure.js";
import { keysToCamel, keysToSnake, requireShallow } from "./keys.js";
import { formatStamp, parseStamp } from "./stamps.js";

/** More than any market or plug-in needs, so that a file from a stranger cannot ask for work without end. */
const MOST = { features: 20_000, rolls: 100_000, listed: 10_000, horizons: 1_000, bars: 1_000_000_000 } as const;
const bars = z.number().min(0).max(MOST.bars);

export const pipelineSchema = z.object({
  version: z.literal(1),
  symbol: z.string(),
  sessions: z.object({
    id: z.string(),
    timeZone: z.string(),
    days: z.array(z.int().min(1).max(7)),
    hours: z
      .array(
        z.object({
          from: z.string().nullable(),
          open: z.string(),
          close: z.string(),
          breaks: z.array(z.string()).max(MOST.listed),
        }),
      )
      .max(MOST.listed),
    exceptions: z.array(z.string()).max(MOST.listed),
    known: z.boolean(),
  }),
  outsideSession: z.enum(["keep", "drop"]),
  barTime: z.enum(["open", "close"]),
  timeZone: z.string(),
  dateOrder: z.enum(["mdy", "dmy"]).optional(),
  step: z.number().positive().nullable(),
  maxGap: bars,
  adjust: z.enum(["ratio", "difference", "none"]),
  rolls: z
    .array(
      z.object({
        timestamp: z.number(),
        from: z.string(),
        to: z.string(),
        oldPrice: z.number().positive(),
        newPrice: z.number().positive(),
        prices: z.enum(["given", "spliced"]),
      }),
    )
    .max(MOST.rolls),
  costs: z
    .object({
      tickSize: z.number().positive(),
      tickValue: z.number().positive(),
      commission: z.number().min(0),
      slippageTicks: z.number().min(0),
    })
    .nullable(),
  features: z.object({
    names: z
      .array(z.string())
      .max(MOST.features)
      .refine((names) => new Set(names).size === names.length, "a feature stands twice"),
    /** Has bounds of its own (features/config.ts). */
    config: z.record(z.string(), z.unknown()),
    plugins: z.array(z.string()).max(MOST.listed),
  }),
  labels: z.object({
    horizons: z.array(z.int().positive().max(MOST.bars)).max(MOST.horizons),
    entry: z.enum(["next_open", "close"]),
    k: z.record(z.string(), z.number()),
    atrPeriod: bars,
    session: z.enum(["cross", "truncate", "drop"]),
  }),
  warmup: bars,
  synthetic: z.boolean(),
}) satisfies z.ZodType<PipelineSpec>;

const metaSchema = z.object({
  format: z.literal(1),
  symbol: z.string().optional(),
  borders: z.object({ val: z.string(), test: z.string() }).optional(),
  pipeline: pipelineSchema.optional(),
});

/** What `{SYMBOL}.meta.json` says; borders are the first timestamps of val and of test. */
export interface DatasetMeta {
  symbol: string | null;
  borders: { val: number; test: number } | null;
  pipeline: PipelineSpec | null;
}

/** Reads and checks a meta file; throws `data.bad_meta`. */
export function readMeta(path: string): DatasetMeta {
  const bad = (why: string): Error =>
    dataError("data.bad_meta", { path }, why, "Mend the file, or remove it to split 70/15/15 by row count.");
  let text: string;
  try {
    text = readRegular(path);
  } catch (cause) {
    throw bad(`it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
    requireShallow(json);
  } catch (cause) {
    throw bad(cause instanceof RangeError ? `${cause.message}.` : `not JSON: ${String(cause)}`);
  }
  const result = metaSchema.safeParse(keysToCamel(json));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw bad(`${issue?.path.join(".") || "the file"}: ${issue?.message}`);
  }
  const { symbol, borders, pipeline } = result.data;
  const border = (part: "val" | "test"): number => {
    const stamp = parseStamp(borders?.[part] ?? "");
    if (stamp === null) throw bad(`borders.${part} is not a timestamp: ${JSON.stringify(borders?.[part])}`);
    return stamp.micros;
  };
  const micros = borders === undefined ? null : { val: border("val"), test: border("test") };
  if (micros !== null && micros.val >= micros.test) throw bad("borders.val must be before borders.test.");
  return { symbol: symbol ?? null, borders: micros, pipeline: pipeline ?? null };
}

/** The text of a meta file. */
export function encodeMeta(symbol: string, borders: { val: number; test: number }, pipeline: PipelineSpec): string {
  const written = { val: formatStamp(borders.val), test: formatStamp(borders.test) };
  const meta = { format: 1, symbol, borders: written, pipeline: pipelineToJson(pipeline) };
  return `${JSON.stringify(meta, null, 2)}\n`;
}

/** `pipeline.json` of a bundle, and `pipeline` in a meta file: snake_case keys. */
export function pipelineToJson(pipeline: PipelineSpec): unknown {
  return keysToSnake(pipeline);
}

/** The reverse of `pipelineToJson`; throws a zod error, or a RangeError, for anything else. */
export function pipelineFromJson(json: unknown): PipelineSpec {
  requireShallow(json);
  return pipelineSchema.parse(keysToCamel(json));
}

/** First row at or after `border`. */
export function rowAt(stamps: Timestamps, border: number): number {
  let low = 0;
  let high = stamps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stamps[middle]! < border) low = middle + 1;
    else high = middle;
  }
  return low;
}
