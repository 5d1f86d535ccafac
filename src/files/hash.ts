import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Worker } from "node:worker_threads";

/** From here on a thread of its own pays: starting one takes about 30 ms. */
const THREAD_FROM_BYTES = 32 << 20;

/** As text, because a worker file would have to be found in `src` (tests) and in `dist` alike. */
const THREAD = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { createHash } = require("node:crypto");
  const { openSync, readSync, closeSync } = require("node:fs");
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1 << 20);
  const fd = openSync(workerData, "r");
  for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) hash.update(buffer.subarray(0, got));
  closeSync(fd);
  parentPort.postMessage(hash.digest("hex"));
`;

/** Lower-case hex SHA-256 of a file's bytes. Large files are hashed on another thread, so that other work goes on. */
export async function sha256File(path: string): Promise<string> {
  if (statSync(path).size >= THREAD_FROM_BYTES) {
    return new Promise((resolve, reject) => {
      const worker = new Worker(THREAD, { eval: true, workerData: path });
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error(`hashing ${path} ended without a result`)));
    });
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/** Lower-case hex SHA-256 of text or bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
