import { didYouMean, FoldwiseError } from "../../types/index.js";
import type { EnsembleModelDefinition, ModelDefinition } from "../definition.js";
import { SHRUNK_LOGISTIC } from "./params.js";

/** The registered models that an ensemble needs. */
export interface EnsembleParts {
  /** At least two, in the order of the configuration. */
  bases: ModelDefinition[];
  /** Tabular models between bases and meta-learner; empty for one layer. */
  secondLayer: ModelDefinition[];
  /** Null where TypeScript combines: votes, `shrunk_logistic`. */
  meta: ModelDefinition | null;
}

/** Every definition of the parts, once each. */
export const partsOf = ({ bases, secondLayer, meta }: EnsembleParts): ModelDefinition[] => [
  ...new Set([...bases, ...secondLayer, ...(meta === null ? [] : [meta])]),
];

/**
 * Looks up what an ensemble's `model_params` name.
 *
 * @param known All registered models. @param others What `bases: all` means.
 * @throws FoldwiseError `config.too_few_bases`, `config.duplicate_base`, `config.unknown_base`, `config.base_is_ensemble`,
 *   `config.meta_learner`.
 */
export function ensembleParts(
  { id }: EnsembleModelDefinition,
  model_params: Record<string, unknown>,
  known: readonly ModelDefinition[],
  others: readonly ModelDefinition[],
): EnsembleParts {
  const {
    bases,
    meta_learner = SHRUNK_LOGISTIC,
    second_layer = [],
    passthrough = [],
  } = model_params as unknown as Named;
  const find = (name: string, key: string): ModelDefinition => {
    const found = known.find((definition) => definition.id === name);
    const names = known.filter(({ kind }) => kind !== "ensemble").map((definition) => definition.id);
    if (found === undefined) {
      throw new FoldwiseError(
        "config.unknown_base",
        `${id}: model_params.${key} names ${JSON.stringify(name)}, which is no model${didYouMean(name, names)}`,
        { remedy: `Use models among: ${names.join(", ")}.`, details: { got: name, allowed: names } },
      );
    }
    if (found.kind !== "ensemble") return found;
    throw new FoldwiseError(
      "config.base_is_ensemble",
      `${id}: model_params.${key} names ${name}, itself an ensemble.`,
      {
        remedy: `Name its bases in its place; models: ${names.join(", ")}.`,
        details: { got: name, allowed: names },
      },
    );
  };
  const tabular = (name: string, key: string): ModelDefinition => {
    const found = find(name, key);
    if (found.kind === "engine" && found.capabilities.input === "tabular") return found;
    throw new FoldwiseError(
      "config.meta_learner",
      `${id}: model_params.${key} names ${name}, which takes no single rows.`,
      {
        remedy: `Use ${SHRUNK_LOGISTIC} or a tabular model with an engine, such as logistic.`,
      },
    );
  };
  if (passthrough.length > 0 && meta_learner === SHRUNK_LOGISTIC && second_layer.length === 0) {
    throw new FoldwiseError(
      "config.passthrough",
      `${id}: ${SHRUNK_LOGISTIC} sees no features, only the bases' answers.`,
      {
        remedy: "Name a tabular model as model_params.meta_learner, or leave passthrough empty.",
      },
    );
  }
  if (second_layer.length > 0 && meta_learner !== SHRUNK_LOGISTIC) {
    throw new FoldwiseError("config.meta_learner", `${id}: over a second layer only ${SHRUNK_LOGISTIC} combines.`, {
      remedy: `Leave model_params.meta_learner at ${SHRUNK_LOGISTIC}, or second_layer empty.`,
    });
  }
  const parts = {
    bases:
      bases === "all" ? others.filter(({ kind }) => kind !== "ensemble") : bases.map((name) => find(name, "bases")),
    secondLayer: second_layer.map((name) => tabular(name, "second_layer")),
    meta: meta_learner === SHRUNK_LOGISTIC ? null : tabular(meta_learner, "meta_learner"),
  };
  requireSeveral(id, "bases", parts.bases);
  requireOnce(id, "bases", parts.bases);
  requireOnce(id, "second_layer", parts.secondLayer);
  if (parts.secondLayer.length > 0) requireSeveral(id, "second_layer", parts.secondLayer);
  return parts;
}

interface Named {
  bases: "all" | string[];
  meta_learner?: string;
  second_layer?: string[];
  passthrough?: string[];
}

function requireSeveral(id: string, key: string, models: readonly ModelDefinition[]): void {
  if (models.length >= 2) return;
  const [only] = models;
  throw new FoldwiseError(
    "config.too_few_bases",
    `${id}: model_params.${key} has ${only === undefined ? "no model" : `one model, ${only.id}`}; it needs two.`,
    { remedy: "Name at least two models, or train the single one by itself." },
  );
}

function requireOnce(id: string, key: string, models: readonly ModelDefinition[]): void {
  const twice = models.find((model, i) => models.indexOf(model) < i);
  if (twice === undefined) return;
  throw new FoldwiseError("config.duplicate_base", `${id}: model_params.${key} names ${twice.id} twice.`, {
    remedy: "Name each model once; a weight says how much it counts.",
    details: { name: twice.id },
  });
}
