import { z } from "zod";
import type { EnsembleModelDefinition } from "../definition.js";
import { bases, capabilities, meta, noTraining, presets } from "../ensemble/params.js";

const params = z.strictObject({ ...bases, ...meta });

export const blending: EnsembleModelDefinition = {
  kind: "ensemble",
  id: "blending",
  family: "ensemble",
  title: "Meta-learner on other models' answers to rows held back from their fits",
  capabilities,
  params,
  training: noTraining,
  presets,
  ignoredKeys: {},
  oldSpellings: [],
  searchSpace: {
    "model_params.strength": { type: "float", low: 0.1, high: 1000, log: true },
    "model_params.per_class": { type: "categorical", choices: [false, true] },
  },
};
