import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";

const times = z.array(z.number());

/** What `python -m foldwise_engine.bench` prints; seconds, bytes, operations a second. */
const figures = z.object({
  epochs: z
    .array(
      z.object({
        model: z.string(),
        length: z.number(),
        ours: z.number(),
        plain: z.number(),
        all_ours: times,
        all_plain: times,
        train_seconds: z.number(),
        rate: z.number(),
        matrix_rate: z.number(),
        peak_memory_bytes: z.number(),
      }),
    )
    .nullable(),
  quality: z
    .array(
      z.object({
        model: z.string(),
        dense: times,
        windowed: times,
        difference: z.number(),
        standard_error: z.number(),
        seconds_dense: z.number(),
        seconds_windowed: z.number(),
      }),
    )
    .nullable(),
  latency: z.array(z.object({ model: z.string(), seconds: z.number() })).nullable(),
});

export type PythonFigures = z.infer<typeof figures>;

/** The half of the benchmark that needs no Node. Its progress goes to standard error. */
export async function measureInPython(args: readonly string[]): Promise<PythonFigures> {
  const child = spawn(findPython().python, ["-m", "foldwise_engine.bench", ...args], {
    cwd: join(packageRoot(), "engine"),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`python -m foldwise_engine.bench ended with ${code}`);
  return figures.parse(JSON.parse(said));
}
