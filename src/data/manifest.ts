import { z } from "zod";
import { readRegular } from "../files/index.js";
import type { DatasetManifest } from "../types/index.js";
import { keysToCamel, keysToSnake } from "./keys.js";
import { pipelineSchema } from "./meta.js";

const range = z.object({ start: z.int().min(0), end: z.int().min(0) });

const manifestSchema = z.object({
  format: z.literal(1),
  fingerprint: z.string(),
  symbol: z.string(),
  layout: z.enum(["series", "splits"]),
  sources: z.array(
    z.object({ path: z.string(), size: z.number(), mtimeNs: z.string(), inode: z.string(), sha256: z.string() }),
  ),
  checksums: z.array(z.object({ array: z.string(), crc32: z.int().min(0).max(0xffffffff) })),
  rows: z.int().positive(),
  features: z.array(z.string()).min(1),
  horizons: z.array(z.int().positive()),
  parts: z.object({ train: range, val: range, test: range }),
  medianStep: z.number(),
  barTime: z.enum(["open", "close"]).nullable(),
  labelEnd: z.record(z.string(), z.enum(["given", "derived"])),
  weights: z.record(z.string(), z.enum(["given", "missing"])),
  returns: z.array(z.int()),
  hasEntryPrice: z.boolean(),
  notices: z.array(z.string()),
  pipeline: pipelineSchema.nullable(),
}) satisfies z.ZodType<DatasetManifest>;

/** The manifest of a store folder, or null where there is none that this version reads. */
export function readManifest(path: string): DatasetManifest | null {
  try {
    return manifestSchema.parse(keysToCamel(JSON.parse(readRegular(path))));
  } catch {
    return null; // Whatever is wrong with it, the dataset is converted again from its source.
  }
}

export function encodeManifest(manifest: DatasetManifest): string {
  return `${JSON.stringify(keysToSnake(manifest), null, 1)}\n`;
}
