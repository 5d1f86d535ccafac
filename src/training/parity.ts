import { existsSync } from "node:fs";
import { join } from "node:path";
import { readWindows, windowEnds } from "../data/index.js";
import type { GraphCalibrator } from "../engine/index.js";
import { applyCalibratorForm, applyClassScale, sampleRows } from "../evaluation/index.js";
import { readNpy } from "../files/index.js";
import { checkParity, type ParityResult, probeRows } from "../inference/index.js";
import type { EngineModelDefinition } from "../models/index.js";
import type { FeatureMatrix } from "../types/index.js";
import { type EngineFit, type EngineFitSettings, predictNative } from "./engineModel.js";
import { seqLenOf } from "./sequence.js";

/** Real rows among the probes: enough to meet what the market does, few enough to cost a fraction of a second. */
const REAL_ROWS = 2_000;
/** Real windows, each of which is many rows. */
const REAL_WINDOWS = 200;

/**
 * Compares the exported graph in Node with the native model: on real rows or windows, on missing values, and at split borders.
 * Throws `bundle.parity_failed`; a model that fails is not saved.
 */
export async function checkExport(
  definition: EngineModelDefinition,
  fit: EngineFit,
  settings: EngineFitSettings,
  graph: string,
  borders: string | null,
  X: FeatureMatrix,
  {
    calibrator = null,
    signal,
    onNative,
  }: {
    /** What the graph holds. */
    calibrator?: GraphCalibrator | null;
    signal?: AbortSignal | undefined;
    onNative?: (() => void) | undefined;
  } = {},
): Promise<ParityResult> {
  const features = X.featureNames.length;
  const seqLen = seqLenOf(definition, settings.training);
  const steps = seqLen ?? 1;
  const probes = probeRows({
    X: seqLen === null ? await realRows(X, settings.seed) : await realWindows(X, seqLen, settings.seed),
    features,
    seqLen,
    nanAllowed: true,
    borders: borders === null ? null : bordersOf(join(settings.workDir, borders)),
    seed: settings.seed,
  });
  const native = await predictNative(definition, fit, settings, probes, { features, steps }, signal);
  onNative?.();
  const rows = { X: probes, featureNames: X.featureNames, native, seqLen };
  if (fit.classScale === null && calibrator === null) return checkParity(graph, rows);
  const served = applyCalibratorForm(applyClassScale(native, fit.classScale), calibrator);
  return checkParity(graph, { ...rows, served });
}

function realWindows(X: FeatureMatrix, seqLen: number, seed: number): Promise<Float32Array> {
  return readWindows(X, sampleRows(windowEnds(X, seqLen), REAL_WINDOWS, seed), seqLen);
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
