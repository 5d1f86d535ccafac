import { FoldwiseError, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from "../types/index.js";

const UNITS: Record<string, number> = { m: MICROS_PER_MINUTE, h: MICROS_PER_HOUR, d: MICROS_PER_DAY };

/**
 * A length in bars, written `20` (bars), `100m`, `4h` or `1d`. Times are turned into bars by the step of the bars.
 *
 * @param step Microseconds between bars; null for irregular bars, which only take a number of bars.
 * @throws FoldwiseError `usage.length` for anything else, or when the time is not a whole number of bars.
 */
export function parseLength(text: string | number, step: number | null): number {
  const match = /^(\d+)([mhd]?)$/.exec(String(text).trim());
  if (match === null)
    throw badLength(
      `"${text}" is not a length of bars.`,
      'Write a whole number of bars such as 20, or a time such as "100m", "4h", "1d".',
    );
  const amount = Number(match[1]);
  const unit = UNITS[match[2] ?? ""];
  if (unit === undefined) return amount;
  if (step === null) {
    throw badLength(`"${text}" is a time, but these bars have no regular step.`, "Write a number of bars, such as 20.");
  }
  const bars = (amount * unit) / step;
  if (!Number.isInteger(bars)) {
    const near = [Math.floor(bars), Math.ceil(bars)].filter((count) => count > 0);
    throw badLength(
      `"${text}" is ${bars.toPrecision(4)} bars of ${step / MICROS_PER_MINUTE} minutes, not a whole number.`,
      `Write a number of bars, such as ${near.join(" or ")}.`,
    );
  }
  return bars;
}

function badLength(message: string, remedy: string): FoldwiseError {
  return new FoldwiseError("usage.length", message, { remedy });
}
