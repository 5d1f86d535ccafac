import type { InferenceSession } from "onnxruntime-node";
import { FoldwiseError } from "../types/index.js";
import type { ModelShape } from "./modelShape.js";
import { onnxRuntime } from "./runtime.js";

/** 256 MB: a window of all 180 features goes back a year of minutes. A stranger's bundle must not ask for more. */
const MAX_WINDOW_VALUES = 2 ** 26;

/** A session on the CPU; throws `bundle.bad_graph` with what the runtime said. */
export async function createSession(graph: Uint8Array, threads: number): Promise<InferenceSession> {
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
    return await onnxRuntime().InferenceSession.create(graph, options);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FoldwiseError("bundle.bad_graph", `The ONNX runtime does not accept the graph: ${message}`, {
      remedy: "Train the model again with this version of Foldwise.",
      cause,
    });
  }
}

/** Throws `bundle.bad_graph` where inputs and outputs are not those of the design. */
export function checkGraph(session: InferenceSession, { featureNames, seqLen }: ModelShape): void {
  const width = featureNames.length;
  if (seqLen !== null && seqLen * width > MAX_WINDOW_VALUES) {
    throw new FoldwiseError("bundle.bad_graph", `The graph takes windows of ${seqLen} bars with ${width} features.`, {
      remedy: `Train with a shorter window: at most ${MAX_WINDOW_VALUES} values are served.`,
    });
  }
  const input = session.inputMetadata[0];
  const outputs = [...session.outputNames].sort().join(", ");
  const inputFits =
    session.inputNames.length === 1 &&
    input?.isTensor === true &&
    input.type === "float32" &&
    input.shape.length === (seqLen === null ? 2 : 3) &&
    (typeof input.shape.at(-1) === "string" || input.shape.at(-1) === width) &&
    (seqLen === null || typeof input.shape[1] === "string" || input.shape[1] === seqLen);
  if (inputFits && outputs === "probabilities, raw_probabilities") return;
  const shape = input?.isTensor === true ? `${input.type} (${input.shape.join(", ")})` : "none";
  const expected = seqLen === null ? `(N, ${width})` : `(N, ${seqLen}, ${width})`;
  throw new FoldwiseError(
    "bundle.bad_graph",
    `The graph takes ${shape} and gives ${outputs}; expected float32 ${expected}, and probabilities, raw_probabilities.`,
    { remedy: "Export the model again; a plug-in's adapter must give both outputs, (N, 3), and no label." },
  );
}
