import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeNpy } from "../../src/files/index.js";
import { seededRandom } from "../../src/types/index.js";

/** Writes a dataset that a fit can open, for horizon 5, with a signal in its first feature; rows from `stopFrom` on stop it. */
export function writeRows(
  folder: string,
  { rows, features, stopFrom }: { rows: number; features: number; stopFrom: number },
): { train: string; stop: string } {
  const random = seededRandom(7);
  const X = Float32Array.from({ length: rows * features }, () => random.normal());
  const y = Int8Array.from({ length: rows }, (_, row) => Math.sign(Math.round(X[row * features]! + random.normal())));
  const numbers = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
  const write = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  write("X.npy", encodeNpy("<f4", [rows, features], X));
  write("y_h5.npy", encodeNpy("|i1", [rows], y));
  return {
    train: write("train.npy", encodeNpy("<i4", [stopFrom], numbers(0, stopFrom))),
    stop: write("stop.npy", encodeNpy("<i4", [rows - stopFrom], numbers(stopFrom, rows))),
  };
}
