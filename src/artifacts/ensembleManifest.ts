import { z } from "zod";
import { ID_PATTERN } from "../files/index.js";

/** Folders of an ensemble's bundle: what it combines, and the models between bases and combiner. Each holds whole bundles. */
export const PART_FOLDERS = { bases: "bases", layer: "layer" } as const;
export type PartFolder = keyof typeof PART_FOLDERS;

const id = z.string().regex(ID_PATTERN);
const part = z.strictObject({
  /** Of its folder. */
  name: id,
  /** Of its `manifest.json`, which holds the hashes of all its files: a part is what the ensemble was fitted with, or it is refused. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const weights = z
  .array(z.number().min(0))
  .min(2)
  .refine((values) => {
    const sum = values.reduce((total, weight) => total + weight, 0);
    return sum > 0 && Number.isFinite(sum);
  }, "the weights have no finite sum above 0");

/** How what several models say becomes one answer; formulas at `softVote`, `hardVote` and `fitMetaLogistic`. */
const combiner = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("soft_vote"), weights }),
  z.strictObject({ kind: z.literal("hard_vote"), weights }),
  z.strictObject({
    kind: z.literal("shrunk_logistic"),
    /** One a part, or one for each class. */
    coefficients: z
      .array(z.array(z.number()).refine(({ length }) => length === 1 || length === 3, "there are one or three"))
      .min(2),
    bias: z.tuple([z.number(), z.number(), z.number()]),
  }),
  /** The only model of the layer answers. */
  z.strictObject({ kind: z.literal("model") }),
]);

/** What a bundle of an ensemble says of its parts. */
export const ensembleManifestSchema = z
  .strictObject({
    bases: z.array(part).min(2).max(64),
    /** Models that see the bases' answers as `metaFeatures`; empty where the combiner sees the bases themselves. */
    layer: z.array(part).max(64),
    /** Features that the layer sees beside the answers. */
    passthrough: z.array(z.string().min(1).max(4096)).max(20_000),
    combiner,
  })
  .refine(({ bases, layer }) => [bases, layer].every((parts) => unique(parts.map(({ name }) => name.toLowerCase()))), {
    message: "two parts have one name",
  })
  .refine(
    ({ bases, layer, combiner }) => {
      if (combiner.kind === "model") return layer.length === 1;
      const combined = layer.length === 0 ? bases : layer;
      const sizes = combiner.kind === "shrunk_logistic" ? combiner.coefficients : combiner.weights;
      return sizes.length === combined.length;
    },
    { message: "the combiner is made for another number of parts" },
  );

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length;

export type EnsembleManifest = z.infer<typeof ensembleManifestSchema>;
export type Combiner = EnsembleManifest["combiner"];
