import { CLASS_COUNT, type FeatureMatrix, type PredictionOutput, throwIfAborted } from "../types/index.js";
import { checkDistributions, toOutput } from "./distributions.js";
import { matchFeatures } from "./features.js";
import type { ModelShape } from "./modelShape.js";

/**
 * Rows a run of the graph: large enough that calls cost nothing, small enough to keep the event loop alive and memory low, also
 * for a kernel machine, which holds a value for each row and each of up to 8 500 support vectors (140 MB).
 */
export const BATCH_ROWS = 2_048;
/** Of a batch of windows: neighbouring windows repeat almost all of their values. */
const BATCH_BYTES = 16 * 2 ** 20;

/** Rows or windows a run of the graph. */
export function batchRows(features: number, seqLen: number | null): number {
  if (seqLen === null) return BATCH_ROWS;
  return Math.min(
    BATCH_ROWS,
    Math.max(1, Math.floor(BATCH_BYTES / (Float32Array.BYTES_PER_ELEMENT * seqLen * features))),
  );
}

/**
 * Answers `X` batch by batch and checks each answer. Throws as `matchFeatures` and `checkDistributions`.
 *
 * @param answer (3n) probabilities of values (n, F), or (n, T, F).
 */
export async function predictInBatches(
  X: FeatureMatrix,
  { featureNames, seqLen }: ModelShape,
  answer: (values: Float32Array, n: number) => Promise<Float32Array>,
  signal?: AbortSignal,
): Promise<PredictionOutput> {
  const { rows, positions, read } = matchFeatures(X, featureNames, seqLen);
  const probabilities = new Float32Array(rows * CLASS_COUNT);
  const size = batchRows(featureNames.length, seqLen);
  for (let from = 0; from < rows; from += size) {
    throwIfAborted(signal);
    const to = Math.min(from + size, rows);
    const values = await read(from, to);
    const p = await answer(values, to - from);
    checkDistributions(values, p, featureNames, (i) => positions?.[from + i] ?? from + i);
    probabilities.set(p, from * CLASS_COUNT);
  }
  const output = toOutput(probabilities);
  return positions === null ? output : { ...output, rows: positions };
}
