import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { threadsPerWorker } from "../engine/index.js";
import { packageRoot, sha256 } from "../files/index.js";
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
  /** Worker processes, which share the cores: networks sum in another order with another number of threads. */
  workers: number;
}

/**
 * SHA-256 of everything that a fit depends on: two fits of one digest are the same model. Null for plug-ins, whose code is not
 * among the facts, and where a version is unknown. (Libraries below the engines, such as scipy, are pinned by the locks.)
 */
export function fitDigest(facts: FitFacts): string | null {
  const { definition, dataset, horizon, train, stop, seed, device, versions } = facts;
  if (definition.kind !== "engine" || pluginOf(definition) !== null) return null;
  const names = ["foldwise", "python", "numpy", ...definition.engine.packages];
  if (names.some((name) => (versions[name] ?? "unknown") === "unknown")) return null;
  const used = names.map((name) => [name, versions[name]]);
  const threads = definition.family === "neural" ? threadsPerWorker(facts.workers) : null;
  const machine = [process.platform, process.arch, threads, engineSource()];
  const rows = [train, stop].map((some) => sha256(Buffer.from(some.slice().buffer)));
  const { model_params, training } = facts;
  return sha256(
    JSON.stringify([
      [definition.id, dataset.manifest.fingerprint, horizon, rows, seed, device, used, machine],
      sortedKeys(model_params),
      sortedKeys(training),
    ]),
  );
}

const sortedKeys = (values: Record<string, unknown>): [string, unknown][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));

let source: string | undefined;

/** Digest of the Python layer over the engines: in a checkout it changes while its version does not. */
export function engineSource(): string {
  source ??= sha256(
    readdirSync(join(packageRoot(), "engine", "foldwise_engine"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".py"))
      .sort()
      .map((name) => `${name} ${sha256(readFileSync(join(packageRoot(), "engine", "foldwise_engine", name)))}`)
      .join("\n"),
  );
  return source;
}
