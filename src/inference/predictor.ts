import { readFileSync } from "node:fs";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { CLASS_COUNT, type FeatureMatrix, FoldwiseError, type PredictionOutput } from "../types/index.js";
import { predictInBatches } from "./batches.js";
import { checkDistributions } from "./distributions.js";
import { refuseUnsafeGraph } from "./graphGuard.js";
import { checkedRow, checkedWindow, inputShape, type ModelShape } from "./modelShape.js";
import { onnxRuntime } from "./runtime.js";
import { checkGraph, createSession } from "./session.js";

/** Which of a graph's two outputs: final, or before calibration (the same until a calibrator exists). */
export type GraphOutput = "probabilities" | "raw_probabilities";

export interface PredictorOptions {
  /**
   * Threads inside one operator; 1 by default, which is fastest for single rows and, for trees on few cores, for batches too.
   */
  threads?: number;
}

/**
 * One ONNX graph in onnxruntime-node: input float32 (N, F), or (N, T, F) for sequence models, outputs `probabilities` and
 * `raw_probabilities` (N, 3). Probabilities are returned as the graph gives them, float32: a row sums to 1 within about 1e-6.
 */
export class OnnxPredictor implements ModelShape {
  readonly #session: InferenceSession;
  readonly #input: string;
  /** The path for one row or window has its own tensors, used again at each call: allocating them costs as much as a small model. */
  readonly #one: { x: Float32Array; p: Float32Array; feeds: Record<string, Tensor>; fetches: Record<string, Tensor> };
  #oneBusy = false;

  private constructor(
    session: InferenceSession,
    readonly featureNames: readonly string[],
    readonly seqLen: number | null,
  ) {
    this.#session = session;
    this.#input = session.inputNames[0]!;
    const x = new Float32Array((seqLen ?? 1) * featureNames.length);
    const p = new Float32Array(CLASS_COUNT);
    const { Tensor } = onnxRuntime();
    this.#one = {
      x,
      p,
      feeds: { [this.#input]: new Tensor("float32", x, [...inputShape(1, this)]) },
      fetches: { probabilities: new Tensor("float32", p, [1, CLASS_COUNT]) },
    };
  }

  /**
   * Opens a graph from a file or its bytes and warms it up with one row or window. Throws `bundle.unsafe_graph` for one with loops or
   * the like, `bundle.bad_graph` when the runtime refuses it or its inputs and outputs are not those of the design.
   *
   * @param options.seqLen Rows of a window; left out or null for tabular models.
   */
  static async open(
    graph: string | Uint8Array,
    featureNames: readonly string[],
    options: PredictorOptions & { seqLen?: number | null } = {},
  ): Promise<OnnxPredictor> {
    const { threads = 1, seqLen = null } = options;
    const bytes = typeof graph === "string" ? readFileSync(graph) : graph;
    refuseUnsafeGraph(bytes, typeof graph === "string" ? graph : "The bundle's graph");
    const session = await createSession(bytes, threads);
    checkGraph(session, { featureNames, seqLen });
    const predictor = new OnnxPredictor(session, featureNames, seqLen);
    await predictor.run(new Float32Array(predictor.#one.x.length), 1, "probabilities");
    return predictor;
  }

  /**
   * Answers `X` in batches. A tabular model answers every row. A sequence model answers the rows that have a full window, and its `rows`
   * say which; windows (N, T, F) are taken as they are. Throws as `matchFeatures`, `data.infinite_feature`, `bundle.bad_output`.
   */
  predict(X: FeatureMatrix, options: { signal?: AbortSignal } = {}): Promise<PredictionOutput> {
    return predictInBatches(X, this, (values, n) => this.run(values, n, "probabilities"), options.signal);
  }

  /** One output of the graph for row-major values (N, F) or (N, T, F), N ≥ 1, unchecked and in one call. */
  async run(values: Float32Array, n: number, output: GraphOutput): Promise<Float32Array> {
    const { Tensor } = onnxRuntime();
    const tensor = new Tensor("float32", values, [...inputShape(n, this)]);
    const results = await this.#session.run({ [this.#input]: tensor }, [output]);
    const data = results[output]?.data;
    if (data instanceof Float32Array && data.length === n * CLASS_COUNT) return data;
    throw new FoldwiseError("bundle.bad_graph", `The graph's ${output} are not float32 (N, 3).`, {
      remedy: "Train the model again with this version of Foldwise.",
    });
  }

  /**
   * The fast path for one row (F) in the model's feature order: a new (3) of probabilities of −1, 0, 1.
   * Calls may overlap; one that finds the path in use pays for its own tensors. Throws `model.takes_windows` for sequence models.
   */
  async predictRow(row: Float32Array): Promise<Float32Array> {
    return this.#predictOne(checkedRow(row, this));
  }

  /**
   * The fast path for one window (T · F), oldest row first, each in the model's feature order: as `predictRow`.
   * Throws `model.takes_rows` for tabular models.
   */
  async predictWindow(window: Float32Array): Promise<Float32Array> {
    return this.#predictOne(checkedWindow(window, this));
  }

  async #predictOne(values: Float32Array): Promise<Float32Array> {
    if (this.#oneBusy) {
      // A copy: the runtime reads its input later, and the caller may fill its own anew by then.
      const own = values.slice();
      const answer = await this.run(own, 1, "probabilities");
      checkDistributions(own, answer, this.featureNames, () => 0);
      return answer;
    }
    this.#oneBusy = true;
    try {
      const { x, p, feeds, fetches } = this.#one;
      x.set(values);
      await this.#session.run(feeds, fetches);
      checkDistributions(x, p, this.featureNames, () => 0);
      return p.slice();
    } finally {
      this.#oneBusy = false;
    }
  }

  /** Frees the session; the predictor cannot be used after it. */
  async close(): Promise<void> {
    await this.#session.release();
  }
}
