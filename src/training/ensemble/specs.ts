import { type EngineModelDefinition, ensembleParts, type ModelDefinition } from "../../models/index.js";
import type { EnsembleSettings, PartSpec } from "./settings.js";

/** The models that an ensemble's configuration names, each with its settings. */
export function partSpecs(
  definition: Extract<ModelDefinition, { kind: "ensemble" }>,
  model_params: Record<string, unknown>,
  {
    known,
    others,
    specOf,
  }: {
    /** All registered models. */
    known: readonly ModelDefinition[];
    /** What `bases: all` means. */
    others: readonly ModelDefinition[];
    specOf: (part: ModelDefinition) => PartSpec;
  },
): Pick<EnsembleSettings, "bases" | "secondLayer" | "meta"> {
  const { bases, secondLayer, meta } = ensembleParts(definition, model_params, known, others);
  return {
    bases: bases.map(specOf),
    secondLayer: secondLayer.map(specOf),
    // Checked to be one with an engine.
    meta: meta === null ? null : (specOf(meta) as PartSpec & { definition: EngineModelDefinition }),
  };
}
