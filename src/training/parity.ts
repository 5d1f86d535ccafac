import { existsSync } from "node:fs";
import { join } from "node:path";
import { sampleRows } from "../evaluation/index.js";
import { readNpy } from "../files/index.js";
import { checkParity, type ParityResult, probeRows } from "../inference/index.js";
import type { EngineModelDefinition } from "../models/index.js";
import type { FeatureMatrix } from "../types/index.js";
import { type EngineFit, type EngineFitSettings, predictNative } from "./engineModel.js";

/** Real rows among the probes: enough to meet what the market does, few enough to cost a fraction of a second. */
const REAL_ROWS = 2_000;

/**
 * Compares the exported graph in Node with the native model: on real rows, on missing values, and at split borders.
 * Throws `bundle.parity_failed`; a model that fails is not saved. `onNative` is called when the worker has done its part.
 */
export async function checkExport(
  definition: EngineModelDefinition,
  fit: EngineFit,
  settings: EngineFitSettings,
  graph: string,
  borders: string | null,
  X: FeatureMatrix,
  { signal, onNative }: { signal?: AbortSignal | undefined; onNative?: (() => void) | undefined } = {},
): Promise<ParityResult> {
  const features = X.featureNames.length;
  const probes = probeRows({
    X: await realRows(X, settings.seed),
    features,
    nanAllowed: true,
    borders: borders === null ? null : bordersOf(join(settings.workDir, borders)),
    seed: settings.seed,
  });
  const native = await predictNative(definition, fit, settings, probes, features, signal);
  onNative?.();
  return checkParity(graph, { X: probes, featureNames: X.featureNames, native });
}

async function realRows(X: FeatureMatrix, seed: number): Promise<Float32Array> {
  const features = X.featureNames.length;
  const chosen = sampleRows(
    Int32Array.from({ length: X.shape[0] }, (_, row) => row),
    REAL_ROWS,
    seed,
  );
  if (X.kind === "view") return X.dataset.readRows(chosen.map((row) => X.rows[row]!));
  const out = new Float32Array(chosen.length * features);
  chosen.forEach((row, i) => {
    out.set(X.data.subarray(row * features, (row + 1) * features), i * features);
  });
  return out;
}

const bordersOf = (path: string): Float32Array | null => (existsSync(path) ? readNpy(path, "<f4").data : null);
