import type { EnsembleModelDefinition } from "../definition.js";
import { capabilities, noTraining, presets } from "./params.js";

/** An ensemble's definition: what all of them share, and its own. */
export const defineEnsemble = (
  own: Pick<EnsembleModelDefinition, "id" | "title" | "params" | "searchSpace">,
): EnsembleModelDefinition => ({
  kind: "ensemble",
  family: "ensemble",
  capabilities,
  training: noTraining,
  presets,
  ignoredKeys: {},
  oldSpellings: [],
  ...own,
});
