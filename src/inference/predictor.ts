import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { likeliest } from "../evaluation/index.js";
import {
  CLASS_COUNT,
  CLASSES,
  type FeatureMatrix,
  FoldwiseError,
  type PredictionOutput,
  throwIfAborted,
} from "../types/index.js";
import { matchFeatures, matchWindows } from "./features.js";
import { refuseUnsafeGraph } from "./graphGuard.js";

/** Which of a graph's two outputs: final, or before calibration (the same until a calibrator exists). */
export type GraphOutput = "probabilities" | "raw_probabilities";

export interface PredictorOptions {
  /** Bars of a window; null, the default: the graph takes single rows. */
  seqLen?: number | null;
  /**
   * Threads inside one operator; 1 by default, which is fastest for single rows and, for trees on few cores, for batches too.
   */
  threads?: number;
}

/**
 * Rows a run of the graph: large enough that calls cost nothing, small enough to keep the event loop alive and memory low, also
 * for a kernel machine, which holds a value for each row and each of up to 8 500 support vectors (140 MB).
 */
export const BATCH_ROWS = 2_048;
/** Bytes of the windows of one run, for the same reasons; neighbouring windows repeat their rows. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** How far a row of probabilities may be from 1: engines compute them in float32. */
const SUM_TOLERANCE = 1e-4;

/**
 * One ONNX graph in onnxruntime-node: input float32 (N, F), or (N, T, F) for a sequence model, outputs `probabilities` and `raw_probabilities` (N, 3).
 * Probabilities are returned as the graph gives them, float32: a row sums to 1 within about 1e-6.
 */
export class OnnxPredictor {
  readonly #session: InferenceSession;
  readonly #input: string;
  /** The own tensors of the path of a single row or window, used again at each call: allocating them costs as much as a small model. */
  readonly #row: { x: Float32Array; p: Float32Array; feeds: Record<string, Tensor>; fetches: Record<string, Tensor> };
  #rowBusy = false;

  private constructor(
    session: InferenceSession,
    readonly featureNames: readonly string[],
    /** Bars of a window; null: the model takes single rows. */
    readonly seqLen: number | null,
  ) {
    this.#session = session;
    this.#input = session.inputNames[0]!;
    const x = new Float32Array((seqLen ?? 1) * featureNames.length);
    const p = new Float32Array(CLASS_COUNT);
    this.#row = {
      x,
      p,
      feeds: { [this.#input]: new Tensor("float32", x, this.#shape(1)) },
      fetches: { probabilities: new Tensor("float32", p, [1, CLASS_COUNT]) },
    };
  }

  /**
   * Opens a graph from a file or its bytes and warms it up with one row. Throws `bundle.unsafe_graph` for one with loops or the
   * like, `bundle.bad_graph` when the runtime refuses it
   * or its inputs and outputs are not those of the design.
   */
  static async open(
    graph: string | Uint8Array,
    featureNames: readonly string[],
    options: PredictorOptions = {},
  ): Promise<OnnxPredictor> {
    const bytes = typeof graph === "string" ? readFileSync(graph) : graph;
    refuseUnsafeGraph(bytes, typeof graph === "string" ? graph : "The bundle's graph");
    const session = await createSession(bytes, options.threads ?? 1);
    const seqLen = options.seqLen ?? null;
    checkGraph(session, seqLen === null ? [featureNames.length] : [seqLen, featureNames.length]);
    const predictor = new OnnxPredictor(session, featureNames, seqLen);
    await predictor.run(new Float32Array((seqLen ?? 1) * featureNames.length), 1, "probabilities");
    return predictor;
  }

  /**
   * Answers every row of `X`, or every window that it holds (then `rows` says where they end), in batches.
   * Throws as `matchFeatures` and `matchWindows`, `data.infinite_feature`, `bundle.bad_output`.
   */
  async predict(X: FeatureMatrix, options: { signal?: AbortSignal } = {}): Promise<PredictionOutput> {
    if (this.seqLen === null) {
      const { rows, read } = matchFeatures(X, this.featureNames);
      return toOutput(await this.#inBatches(rows, read, options.signal));
    }
    const { ends, read } = matchWindows(X, this.featureNames, this.seqLen);
    return { ...toOutput(await this.#inBatches(ends.length, read, options.signal)), rows: ends };
  }

  async #inBatches(
    count: number,
    read: (from: number, to: number) => Promise<Float32Array>,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const probabilities = new Float32Array(count * CLASS_COUNT);
    for (let from = 0; from < count; from += this.batch) {
      throwIfAborted(signal);
      const to = Math.min(from + this.batch, count);
      probabilities.set(await this.probabilities(await read(from, to), to - from, from), from * CLASS_COUNT);
    }
    return probabilities;
  }

  /** Rows or windows a run of the graph. */
  get batch(): number {
    if (this.seqLen === null) return BATCH_ROWS;
    return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / (4 * this.seqLen * this.featureNames.length))));
  }

  #shape(n: number): number[] {
    return this.seqLen === null ? [n, this.featureNames.length] : [n, this.seqLen, this.featureNames.length];
  }

  /**
   * (N, 3) final probabilities of row-major values (N, F) or (N, T, F) in the model's feature order; checked to be distributions.
   * `firstRow` is added to row numbers in messages.
   */
  async probabilities(values: Float32Array, rows: number, firstRow = 0): Promise<Float32Array> {
    const p = await this.run(values, rows, "probabilities");
    checkDistributions(values, p, this.featureNames, firstRow, this.seqLen ?? 1);
    return p;
  }

  /** One output of the graph for row-major values (N, F) or (N, T, F), N ≥ 1, unchecked and in one call. */
  async run(values: Float32Array, rows: number, output: GraphOutput): Promise<Float32Array> {
    const tensor = new Tensor("float32", values, this.#shape(rows));
    const results = await this.#session.run({ [this.#input]: tensor }, [output]);
    const data = results[output]?.data;
    if (data instanceof Float32Array && data.length === rows * CLASS_COUNT) return data;
    throw new FoldwiseError("bundle.bad_graph", `The graph's ${output} are not float32 (N, 3).`, {
      remedy: "Train the model again with this version of Foldwise.",
    });
  }

  /**
   * The fast path for one row (F) in the model's feature order: a new (3) of probabilities of −1, 0, 1.
   * Calls may overlap; one that finds the path in use pays for its own tensors.
   */
  async predictRow(row: Float32Array): Promise<Float32Array> {
    const width = this.featureNames.length;
    if (this.seqLen !== null) {
      throw new FoldwiseError(
        "data.wrong_shape",
        `This model answers from windows of ${this.seqLen} rows, not from one row.`,
        { remedy: "Use predictWindow, or a StreamingPredictor, which takes a row at a time." },
      );
    }
    if (row.length !== width) {
      throw new FoldwiseError(
        "data.wrong_shape",
        `Got a row of ${row.length} values; the model has ${width} features.`,
        {
          remedy: "Give one value for each of model.featureNames, in that order.",
        },
      );
    }
    return this.#single(row);
  }

  /** The same for one window, row-major (T, F), the newest row last; of a model of single rows T is 1. */
  async predictWindow(window: Float32Array): Promise<Float32Array> {
    const [steps, width] = [this.seqLen ?? 1, this.featureNames.length];
    if (window.length !== steps * width) {
      throw new FoldwiseError(
        "data.wrong_shape",
        `Got a window of ${window.length} values; the model takes ${steps} rows of ${width} features.`,
        { remedy: "Give the newest rows in time order, each with its values in the order of model.featureNames." },
      );
    }
    return this.#single(window);
  }

  async #single(row: Float32Array): Promise<Float32Array> {
    if (this.#rowBusy) return this.probabilities(row, 1);
    this.#rowBusy = true;
    try {
      const { x, p, feeds, fetches } = this.#row;
      x.set(row);
      await this.#session.run(feeds, fetches);
      checkDistributions(x, p, this.featureNames, 0, this.seqLen ?? 1);
      return p.slice();
    } finally {
      this.#rowBusy = false;
    }
  }

  /** Frees the session; the predictor cannot be used after it. */
  async close(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Checks that each row of `p` (N, 3) is finite, ≥ 0 and sums to 1. Throws `data.infinite_feature` where the row's values in
 * `values` (N, steps, F) explain why it is not, else `bundle.bad_output`. `firstRow` is added to row numbers in messages.
 */
export function checkDistributions(
  values: Float32Array,
  p: Float32Array,
  featureNames: readonly string[],
  firstRow: number,
  steps = 1,
): void {
  for (let i = 0; 3 * i < p.length; i++) {
    const [a, b, c] = [p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!];
    // Comparisons are written so that NaN fails them.
    if (a >= 0 && b >= 0 && c >= 0 && Math.abs(a + b + c - 1) <= SUM_TOLERANCE) continue;
    const width = featureNames.length;
    const row = firstRow + i;
    const own = values.subarray(i * steps * width, (i + 1) * steps * width);
    const infinite = own.findIndex((value) => Math.abs(value) === Infinity);
    if (infinite >= 0) {
      const feature = featureNames[infinite % width];
      throw new FoldwiseError("data.infinite_feature", `Row ${row}: ${feature} is infinite.`, {
        remedy: "Give finite values, or NaN for what is missing.",
        details: { row, feature },
      });
    }
    throw new FoldwiseError(
      "bundle.bad_output",
      `Row ${row}: the model answered ${a}, ${b}, ${c}, which are no probabilities.`,
      {
        remedy: "Check this row's values: they may lie far outside what the model was trained on.",
        details: { row },
      },
    );
  }
}

/** Labels, probabilities and confidence; the first class in the order −1, 0, 1 wins among equals. */
export function toOutput(probabilities: Float32Array): PredictionOutput {
  const n = probabilities.length / CLASS_COUNT;
  const predictions = new Int8Array(n);
  const confidence = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const k = likeliest(probabilities, i);
    predictions[i] = CLASSES[k];
    confidence[i] = probabilities[i * CLASS_COUNT + k]!;
  }
  return { predictions, probabilities, confidence };
}

async function createSession(graph: Uint8Array, threads: number): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // Spinning threads starve each other where cores are few: with two threads on two busy cores a single row took seconds.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
  try {
    return await InferenceSession.create(graph, options);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FoldwiseError("bundle.bad_graph", `The ONNX runtime does not accept the graph: ${message}`, {
      remedy: "Train the model again with this version of Foldwise.",
      cause,
    });
  }
}

/** @param inner Sizes of the input's axes after the first: (F), or (T, F). */
function checkGraph(session: InferenceSession, inner: readonly number[]): void {
  const input = session.inputMetadata[0];
  const outputs = [...session.outputNames].sort().join(", ");
  const inputFits =
    session.inputNames.length === 1 &&
    input?.isTensor === true &&
    input.type === "float32" &&
    input.shape.length === inner.length + 1 &&
    inner.every((size, i) => typeof input.shape[i + 1] === "string" || input.shape[i + 1] === size);
  if (inputFits && outputs === "probabilities, raw_probabilities") return;
  const shape = input?.isTensor === true ? `${input.type} (${input.shape.join(", ")})` : "none";
  throw new FoldwiseError(
    "bundle.bad_graph",
    `The graph takes ${shape} and gives ${outputs}; expected float32 (N, ${inner.join(", ")}), and probabilities, raw_probabilities.`,
    { remedy: "Export the model again; a plug-in's adapter must give both outputs, (N, 3), and no label." },
  );
}
