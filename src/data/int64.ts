import type { Timestamps } from "../types/index.js";

/** int64, NaN as NumPy's NaT; by halves, because a BigInt a value is ten times slower. */
export function toInt64(stamps: Timestamps): BigInt64Array {
  const values = new BigInt64Array(stamps.length);
  const halves = new Int32Array(values.buffer);
  for (let i = 0; i < stamps.length; i++) {
    const stamp = stamps[i]!;
    const high = Math.floor(stamp / 4294967296);
    halves[2 * i] = Number.isNaN(stamp) ? 0 : (stamp - high * 4294967296) | 0;
    halves[2 * i + 1] = Number.isNaN(stamp) ? -2147483648 : high;
  }
  return values;
}

export function fromInt64(values: BigInt64Array): Timestamps {
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const stamps = new Float64Array(values.length);
  for (let i = 0; i < stamps.length; i++) {
    const [low, high] = [halves[2 * i]! >>> 0, halves[2 * i + 1]!];
    stamps[i] = high === -2147483648 && low === 0 ? Number.NaN : high * 4294967296 + low;
  }
  return stamps;
}
