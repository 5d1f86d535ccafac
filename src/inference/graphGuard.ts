import { FoldwiseError } from "../types/index.js";
import { readMessage } from "./protobuf.js";

/**
 * Refuses a graph that could run without end or reach beyond its file, before the runtime sees it: a bundle may come from a
 * stranger, and its hashes only say that it is whole.
 *
 * It does not bound what an allowed operator computes: one may still ask for more memory than there is, and fail for it. Only the size of a
 * recurrent layer's state, which a number in the file says, is bounded.
 *
 * All operators of ONNX and ONNX-ML that compute a tensor from tensors are allowed, so that plug-ins may export what their
 * converter writes. Not allowed are loops and branches (`Loop`, `Scan`, `If`, `SequenceMap`: those that hold a graph), functions
 * defined in the file, operators of other domains, and tensors kept in other files.
 * Numbers of fields: github.com/onnx/onnx/blob/main/onnx/onnx.proto3, `ModelProto` and below.
 *
 * @param name of the graph in messages.
 * @throws FoldwiseError `bundle.unsafe_graph`; `bundle.bad_graph` for bytes that are no graph.
 */
export function refuseUnsafeGraph(bytes: Uint8Array, name: string): void {
  try {
    for (const { number, message } of messagesIn(bytes)) {
      if (number === MODEL.functions) throw new Unsafe("defines functions of its own");
      if (number === MODEL.graph) checkNodes(message);
    }
  } catch (cause) {
    if (cause instanceof Unsafe)
      throw new FoldwiseError("bundle.unsafe_graph", `${name} ${cause.message}; such a graph is not run.`, {
        remedy:
          "Use a bundle that Foldwise wrote. A plug-in's export may use all standard operators but loops, branches and functions.",
      });
    throw new FoldwiseError("bundle.bad_graph", `${name} is not an ONNX graph: ${String(cause)}.`, {
      remedy: "Restore the bundle from its source, or train the model again.",
      cause,
    });
  }
}

class Unsafe extends Error {}

const MODEL = { graph: 7, functions: 25 };
const GRAPH = { node: 1, initializer: 5, sparse: 15 };
const NODE = { opType: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, int: 3, tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 };
const TENSOR = { externalData: 13, dataLocation: 14 };

const CONTROL_FLOW = new Set(["Loop", "Scan", "If", "SequenceMap"]);
const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
/** Values of a recurrent layer's state: four times what the built-in models may have. */
const MAX_STATE = 16_384;
const DOMAINS = new Set(["", "ai.onnx", "ai.onnx.ml"]);
/** Models have some tens; a converter that writes an operator a tree, some thousands. */
const MAX_NODES = 200_000;

function checkNodes(graph: Uint8Array): void {
  let nodes = 0;
  for (const { number, message } of messagesIn(graph)) {
    if (number === GRAPH.initializer) checkTensor(message);
    if (number === GRAPH.sparse) throw new Unsafe("holds sparse tensors");
    if (number !== GRAPH.node) continue;
    if (++nodes > MAX_NODES) throw new Unsafe(`has more than ${MAX_NODES} operators`);
    checkNode(message);
  }
}

function checkNode(node: Uint8Array): void {
  const types: string[] = [];
  for (const { number, message } of messagesIn(node)) {
    if (number === NODE.opType) types.push(text(message));
    if (number === NODE.opType && CONTROL_FLOW.has(text(message)))
      throw new Unsafe(`uses the operator ${text(message)}`);
    if (number === NODE.domain && !DOMAINS.has(text(message)))
      throw new Unsafe(`uses operators of ${JSON.stringify(text(message).slice(0, 100))}`);
    if (number === NODE.attribute) checkAttribute(message);
  }
  // The type may stand behind the attributes.
  if (types.some((type) => RECURRENT.has(type))) checkRecurrent(node);
}

/** Refuses a recurrent layer whose state is larger than any model's; the runtime would reserve memory by that number. */
function checkRecurrent(node: Uint8Array): void {
  for (const { number, message } of messagesIn(node)) {
    if (number !== NODE.attribute) continue;
    const fields = [...readMessage(message)];
    const isState = fields.some(
      ({ number, value }) => number === ATTRIBUTE.name && value instanceof Uint8Array && text(value) === "hidden_size",
    );
    // A negative number has its highest bit set, and so is larger than any.
    const size = fields.find(({ number, value }) => number === ATTRIBUTE.int && Number(value) > MAX_STATE);
    if (isState && size !== undefined)
      throw new Unsafe(`has a recurrent layer of ${size.value} values; at most ${MAX_STATE} are allowed`);
  }
}

function checkAttribute(attribute: Uint8Array): void {
  for (const { number, message } of messagesIn(attribute)) {
    if (number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs) throw new Unsafe("holds a graph within an operator");
    if (number === ATTRIBUTE.sparse || number === ATTRIBUTE.sparses) throw new Unsafe("holds sparse tensors");
    if (number === ATTRIBUTE.tensor || number === ATTRIBUTE.tensors) checkTensor(message);
  }
}

function checkTensor(tensor: Uint8Array): void {
  for (const { number, value } of readMessage(tensor)) {
    const elsewhere = number === TENSOR.externalData || (number === TENSOR.dataLocation && value !== 0);
    if (elsewhere) throw new Unsafe("keeps tensors in other files");
  }
}

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");

/** The fields that hold messages, text or bytes. Where a field that should stand once stands twice, each is looked at. */
function* messagesIn(bytes: Uint8Array): Generator<{ number: number; message: Uint8Array }> {
  for (const { number, value } of readMessage(bytes)) if (value instanceof Uint8Array) yield { number, message: value };
}
