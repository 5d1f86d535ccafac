import { sha256 } from "../files/index.js";
import { type ModelDefinition, pluginOf } from "../models/index.js";
import type { StoredDataset } from "../types/index.js";

export interface FitFacts {
  definition: ModelDefinition;
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
  dataset: StoredDataset;
  horizon: number;
  /** Row numbers of the dataset. */
  train: Int32Array;
  stop: Int32Array;
  seed: number;
  device: "cpu" | "cuda";
  /** Of Foldwise, Python and all engines of the call. */
  versions: Record<string, string>;
}

/**
 * SHA-256 of everything that a fit depends on: two fits of one digest are the same model. Null for plug-ins, whose code is not
 * among the facts.
 */
export function fitDigest(facts: FitFacts): string | null {
  const { definition, dataset, horizon, train, stop, seed, device, versions } = facts;
  if (definition.kind !== "engine" || pluginOf(definition) !== null) return null;
  const used = ["foldwise", "python", "numpy", ...definition.engine.packages].map((name) => [name, versions[name]]);
  const rows = [train, stop].map((some) => sha256(Buffer.from(some.slice().buffer)));
  const { model_params, training } = facts;
  return sha256(
    JSON.stringify([
      [definition.id, dataset.manifest.fingerprint, horizon, rows, seed, device, used],
      sortedKeys(model_params),
      sortedKeys(training),
    ]),
  );
}

const sortedKeys = (values: Record<string, unknown>): [string, unknown][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
