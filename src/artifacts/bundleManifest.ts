import { z } from "zod";
import { ID_PATTERN, sha256 } from "../files/index.js";
import { FoldwiseError } from "../types/index.js";
import { decisionSchema } from "./decisionManifest.js";
import { ensembleManifestSchema } from "./ensembleManifest.js";

export const BUNDLE_FORMAT = 1;
export const MANIFEST_NAME = "manifest.json";

/** A file of a bundle: a plain name, so that no entry of a manifest can lead outside its folder. */
const fileName = z.string().regex(ID_PATTERN);
const count = z.int().nonnegative();
const three = z.tuple([z.number(), z.number(), z.number()]);
/** One line of printable text. */
const text = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^\P{Cc}+$/u);

/** `manifest.json` of a bundle; written last, so a folder with one is whole. */
export const bundleManifestSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  model: z.string().regex(ID_PATTERN),
  family: z.enum(["boosting", "neural", "classical", "ensemble", "plugin"]),
  /** `engine`: served from `model.onnx`; `typescript`: a plug-in loads the folder itself; `ensemble`: composed of bundles that it holds. */
  kind: z.enum(["engine", "typescript", "ensemble"]),
  /** The plug-in module that registered the model, as written in the configuration; null for built-in models. */
  plugin: text.nullable(),
  symbol: z.string().regex(ID_PATTERN),
  /** Bars. */
  horizon: z.int().positive(),
  /** (N, F) rows or (N, T, F) windows of `seq_len` bars. */
  input: z.enum(["tabular", "sequence"]),
  seq_len: z.int().positive().nullable(),
  /** In the order of the graph's columns. */
  features: z
    .array(text)
    .min(1)
    .max(20_000)
    .refine((names) => new Set(names).size === names.length, "a feature stands twice"),
  classes: z.tuple([z.literal(-1), z.literal(0), z.literal(1)]),
  /** Those that the training rows had; the others always get probability 0. */
  trained_classes: z.array(z.union([z.literal(-1), z.literal(0), z.literal(1)])).min(1),
  /** May a feature be missing (NaN)? */
  missing_values: z.enum(["native", "impute"]),
  /** Of the dataset that it was trained on; null for rows that came as arrays. */
  dataset_fingerprint: z.string().nullable(),
  seed: count,
  device: z.enum(["cpu", "cuda"]),
  /** Rounds or epochs behind the graph; 0 for models without. */
  best_epoch: count,
  run_id: z.string().regex(ID_PATTERN).nullable(),
  /** UTC, ISO 8601. */
  created: z.iso.datetime(),
  versions: z.record(z.string(), z.string()),
  /** Node's ONNX runtime against the native model; null where there is no graph. */
  parity: z.strictObject({ max_abs_diff: z.number(), rows: count, tolerance: z.number() }).nullable(),
  /**
   * What the graph does between `raw_probabilities` and `probabilities` beside undoing balanced weights:
   * (1 − prior_share) softmax(slope ln p + offset) + prior_share prior, classes −1, 0, 1. Null: nothing.
   */
  calibrator: z
    .strictObject({
      kind: z.string().regex(ID_PATTERN),
      slope: three,
      offset: three,
      prior_share: z.number().min(0).max(1),
      prior: three,
    })
    .nullable()
    .default(null),
  /** Sets and signals; null where none were fitted: a model that was fitted by hand, or before there were any. */
  decision: decisionSchema.nullable().default(null),
  /** Factors of a class each that undo balanced class weights: `probabilities` before the calibrator are raw ones times these, scaled to 1. */
  class_scale: three.nullable().default(null),
  /** Of everything that the fit depended on: rows, parameters, seed, versions (`fitDigest`). The same digest is the same fit. */
  fit_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null),
  /** Of an ensemble: the models that it is composed of. */
  ensemble: ensembleManifestSchema.nullable().default(null),
  /** Trained on rows from the demo generator. */
  synthetic: z.boolean(),
  /** The engine's own file, by name; null where the bundle has none. */
  native: fileName.nullable(),
  files: z.record(fileName, z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count })),
});

export type BundleManifest = z.infer<typeof bundleManifestSchema>;

/** The text of a manifest file: its last key is the SHA-256 of the text without it, so a changed byte shows here too. */
export function renderManifest(manifest: BundleManifest): string {
  const body = JSON.stringify(manifest, null, 2);
  return `${JSON.stringify({ ...manifest, sha256: sha256(body) }, null, 2)}\n`;
}

/** The reverse; throws `bundle.not_a_bundle`, `bundle.newer_format` or `bundle.hash_mismatch`. `path` is for messages. */
export function parseManifest(content: string, path: string): BundleManifest {
  const json = parseObject(content, path);
  if (typeof json.format === "number" && json.format > BUNDLE_FORMAT) {
    throw new FoldwiseError(
      "bundle.newer_format",
      `${path} has format ${json.format}; this version of Foldwise reads up to ${BUNDLE_FORMAT}.`,
      { remedy: "Update Foldwise, or train the model again with this version.", details: { got: json.format } },
    );
  }
  const { sha256: stated, ...body } = json;
  const parsed = bundleManifestSchema.safeParse(body);
  if (!parsed.success) {
    throw notABundle(
      `${path} is not a bundle's manifest: ${parsed.error.issues
        .slice(0, 3)
        .map((issue) => inWords(issue, body))
        .join("; ")}.`,
    );
  }
  const same = stated === sha256(JSON.stringify(body, null, 2)) && content === `${JSON.stringify(json, null, 2)}\n`;
  if (!same) throw hashMismatch(path);
  return parsed.data;
}

/** What is wrong at one place, without the schema's own terms. */
function inWords(issue: z.core.$ZodIssue, manifest: unknown): string {
  if (issue.code === "unrecognized_keys") return `it has the unknown key ${issue.keys.slice(0, 3).join(", ")}`;
  let value = manifest;
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  const place = issue.path.join(".");
  if (value === undefined) return `${place} is missing`;
  if (issue.code === "custom" && issue.message !== "Invalid input") return `${place}: ${issue.message}`;
  const got = JSON.stringify(value).slice(0, 60);
  return `${place} is ${got}, which it cannot be`;
}

export function notABundle(why: string): FoldwiseError {
  return new FoldwiseError("bundle.not_a_bundle", why, {
    remedy: "Name the folder of one model, such as experiments/runs/RUN/models/MODEL_SYMBOL_hH.",
  });
}

export function hashMismatch(path: string): FoldwiseError {
  return new FoldwiseError("bundle.hash_mismatch", `${path} was changed after the bundle was written.`, {
    remedy: "Restore the bundle from its source, or train the model again; a changed bundle is never used.",
    details: { file: path },
  });
}

function parseObject(content: string, path: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(content));
  } catch {
    throw notABundle(`${path} is not a JSON object.`);
  }
}
