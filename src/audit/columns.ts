import { throwIfAborted } from "../types/index.js";
import type { AuditRows } from "./subject.js";

/** Values held at a time, and rows read at a time. */
const HELD = 32_000_000;
const BLOCK = 4096;

export interface ColumnOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Streams the features column by column: as many at a time as fit into some 128 MB, so that rows are read from the store once,
 * or a few times where there are millions.
 *
 * @param visit Gets the feature's number and its values (N); the array is overwritten afterwards.
 */
export async function eachColumn(
  source: AuditRows,
  visit: (feature: number, values: Float32Array) => void,
  { signal, onProgress }: ColumnOptions = {},
): Promise<void> {
  const { rows: n, features } = source;
  const F = features.length;
  const width = Math.max(1, Math.min(F, Math.floor(HELD / Math.max(n, 1))));
  const columns = Array.from({ length: width }, () => new Float32Array(n));
  for (let first = 0; first < F; first += width) {
    const count = Math.min(width, F - first);
    for (let from = 0; from < n; from += BLOCK) {
      throwIfAborted(signal);
      const to = Math.min(n, from + BLOCK);
      const block = await source.read(from, to);
      for (let k = 0; k < count; k++) {
        const column = columns[k]!;
        for (let row = from, at = first + k; row < to; row++, at += F) column[row] = block[at]!;
      }
    }
    for (let k = 0; k < count; k++) {
      throwIfAborted(signal);
      visit(first + k, columns[k]!);
      onProgress?.(first + k + 1, F);
    }
    // So that signals and progress get through.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
