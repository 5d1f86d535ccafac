// Runs graphs in the runtime that serves them. Each line of the input is one: ["MODEL", "SHAPE", "IN.f32", "RAW.f32", "FINAL.f32"];
// each is answered by "done", or by what is wrong with it.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import ort from "onnxruntime-node";

async function predict([model, shape, input, raw, final]) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const bytes = readFileSync(input);
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const X = new ort.Tensor("float32", values, shape.split(",").map(Number));
  const result = await session.run({ X });
  const names = session.outputNames.slice().sort().join(" ");
  if (names !== "probabilities raw_probabilities") throw new Error(`outputs are ${names}`);
  writeFileSync(raw, new Uint8Array(result.raw_probabilities.data.buffer));
  writeFileSync(final, new Uint8Array(result.probabilities.data.buffer));
  await session.release();
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await predict(JSON.parse(line)).then(
    () => "done",
    (error) => String(error).replaceAll("\n", " "),
  );
  process.stdout.write(`${said}\n`);
}
