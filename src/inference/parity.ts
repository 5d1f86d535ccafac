import { FoldwiseError, type Random, seededRandom } from "../types/index.js";
import { batchRows } from "./batches.js";
import { type GraphOutput, OnnxPredictor } from "./predictor.js";

/** The largest difference of a probability between the native model and its graph in Node. */
export const PARITY_TOLERANCE = 1e-5;

export interface ParityResult {
  maxAbsDiff: number;
  rows: number;
  tolerance: number;
}

export interface ProbeOptions {
  /** (N, F) row-major: real rows, N ≥ 1; windows (N, T, F) of sequence models. */
  X: Float32Array;
  features: number;
  /** Rows of a window, T; left out or null for tabular models. */
  seqLen?: number | null;
  /** Is NaN a value that the model may be given? Then half as many rows or windows again have some. */
  nanAllowed: boolean;
  /** float32 (B, 2) of feature index and threshold, as an export answers it; null without trees. */
  borders: Float32Array | null;
  /** Borders probed, three rows each; 1 000 by default. */
  maxBorders?: number;
  seed: number;
}

/**
 * The rows (M, F) or windows (M, T, F) on which a graph must equal its native model: the real ones themselves, real ones with NaN in a tenth
 * of their values and one with nothing but NaN; for sequence models a window whose bars are all the same; and for each tree border a
 * real row with that feature at the threshold and one float32 step to either side, where `<` and `≤` or float32 and float64 thresholds part ways.
 */
export function probeRows(options: ProbeOptions): Float32Array {
  const { X, features, nanAllowed, seqLen = null } = options;
  const width = (seqLen ?? 1) * features;
  const random = seededRandom(options.seed);
  const real = X.length / width;
  const someRow = (): Float32Array => {
    const start = random.int(real) * width;
    return X.slice(start, start + width);
  };
  const probes: Float32Array[] = [X];
  if (nanAllowed) {
    for (let i = 0; i < real / 2; i++) {
      probes.push(someRow().map((value) => (random.next() < 0.1 ? Number.NaN : value)));
    }
    probes.push(new Float32Array(width).fill(Number.NaN));
  }
  if (seqLen !== null) {
    const bar = someRow().subarray(-features);
    probes.push(new Float32Array(width).map((_, i) => bar[i % features]!));
  }
  for (const [feature, threshold] of chosenBorders(options.borders, options.maxBorders ?? 1_000, random)) {
    const row = someRow();
    for (const value of [threshold, nextFloat32(threshold, 1), nextFloat32(threshold, -1)]) {
      probes.push(row.with(feature, value));
    }
  }
  const out = new Float32Array(probes.reduce((length, rows) => length + rows.length, 0));
  let offset = 0;
  for (const rows of probes) {
    out.set(rows, offset);
    offset += rows.length;
  }
  return out;
}

/**
 * Compares a graph in this runtime with what the native model answered for the same rows: raw probabilities, before calibration,
 * and those that are served with what the formulas of class weights and calibrator make of the native ones.
 * Throws `bundle.parity_failed` beyond `PARITY_TOLERANCE`, naming the worst row.
 */
export async function checkParity(
  graph: string | Uint8Array,
  rows: {
    /** (M, F), or (M, T, F) where there is a `seqLen`. */
    X: Float32Array;
    featureNames: readonly string[];
    /** Rows of a window, T; left out or null for tabular models. */
    seqLen?: number | null;
    /** (M, 3), raw. */
    native: Float32Array;
    /** (M, 3), what `probabilities` have to be; not compared where it is left out. */
    served?: Float32Array;
  },
): Promise<ParityResult> {
  const { featureNames, seqLen = null } = rows;
  const width = (seqLen ?? 1) * featureNames.length;
  const n = rows.X.length / width;
  if (rows.native.length !== 3 * n) {
    throw new FoldwiseError("data.wrong_shape", `Got ${rows.native.length} native probabilities for ${n} rows.`, {
      remedy: "Predict the same rows that are compared.",
    });
  }
  const predictor = await OnnxPredictor.open(graph, featureNames, { seqLen });
  const size = batchRows(featureNames.length, seqLen);
  const compared: [GraphOutput, Float32Array][] = [["raw_probabilities", rows.native]];
  if (rows.served !== undefined) compared.push(["probabilities", rows.served]);
  try {
    let worst = { difference: 0, row: 0 };
    for (let from = 0; from < n; from += size) {
      const to = Math.min(from + size, n);
      for (const [output, expected] of compared) {
        const p = await predictor.run(rows.X.subarray(from * width, to * width), to - from, output);
        for (let i = 0; i < p.length; i++) {
          const difference = Math.abs(p[i]! - expected[3 * from + i]!);
          // NaN on either side must not pass.
          if (!(difference <= worst.difference)) worst = { difference, row: from + Math.floor(i / 3) };
          if (Number.isNaN(difference)) throw parityFailed(difference, worst.row);
        }
      }
    }
    if (worst.difference > PARITY_TOLERANCE) throw parityFailed(worst.difference, worst.row);
    return { maxAbsDiff: worst.difference, rows: n, tolerance: PARITY_TOLERANCE };
  } finally {
    await predictor.close();
  }
}

/** The float32 neighbour of `value` above (1) or below (−1). */
export function nextFloat32(value: number, direction: 1 | -1): number {
  const float = new Float32Array([value]);
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) return direction * 2 ** -149;
  bits[0]! += float[0]! > 0 ? direction : -direction;
  return float[0]!;
}

function* chosenBorders(borders: Float32Array | null, limit: number, random: Random): Generator<[number, number]> {
  const count = borders === null ? 0 : borders.length / 2;
  for (let i = 0; borders !== null && i < Math.min(count, limit); i++) {
    const at = count <= limit ? i : random.int(count);
    yield [borders[2 * at]!, borders[2 * at + 1]!];
  }
}

function parityFailed(difference: number, row: number): FoldwiseError {
  return new FoldwiseError(
    "bundle.parity_failed",
    `In Node the exported graph differs from the native model by ${difference} at probe row ${row}; allowed is ${PARITY_TOLERANCE}. The bundle was not saved.`,
    {
      remedy:
        "Report this with the model's configuration and `foldwise doctor`'s output; a plug-in's export needs mending.",
      details: { difference, row },
    },
  );
}
