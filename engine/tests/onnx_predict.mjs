// Runs a graph in the runtime that serves it: node onnx_predict.mjs MODEL SHAPE IN.f32 RAW.f32 FINAL.f32
import { readFileSync, writeFileSync } from "node:fs";
import ort from "onnxruntime-node";

const [model, shape, input, raw, final] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
const bytes = readFileSync(input);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const X = new ort.Tensor("float32", values, shape.split(",").map(Number));
const result = await session.run({ X });
const names = session.outputNames.slice().sort().join(" ");
if (names !== "probabilities raw_probabilities") throw new Error(`outputs are ${names}`);
writeFileSync(raw, new Uint8Array(result.raw_probabilities.data.buffer));
writeFileSync(final, new Uint8Array(result.probabilities.data.buffer));
