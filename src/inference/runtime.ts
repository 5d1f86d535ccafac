import { createRequire } from "node:module";

const load: NodeJS.Require = createRequire(import.meta.url);

/** The ONNX runtime, loaded with the first graph: a call that is refused has no use for it. */
export function onnxRuntime(): typeof import("onnxruntime-node") {
  return load("onnxruntime-node");
}
