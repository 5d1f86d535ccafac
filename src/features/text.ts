import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from "../types/index.js";

/** `1m`, `4h`, `90s`: a bar length in the largest unit that divides it. */
export function durationText(micros: number): string {
  for (const [unit, size] of [
    ["d", MICROS_PER_DAY],
    ["h", MICROS_PER_HOUR],
    ["m", MICROS_PER_MINUTE],
    ["s", MICROS_PER_SECOND],
  ] as const) {
    if (micros % size === 0) return `${micros / size}${unit}`;
  }
  return `${micros}µs`;
}
