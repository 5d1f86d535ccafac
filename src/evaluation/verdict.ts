import type { Interval } from "./bootstrap.js";

/** Does the model beat the class shares of its training rows? */
export type Verdict = "YES" | "NO" | "NOT SHOWN";

export interface PriorComparison {
  /** Log-loss of the model minus that of the prior on the same rows; below zero is better. Nats. */
  difference: number;
  /** 95 % interval of the paired difference. */
  interval: Interval;
  /** Sum of average uniqueness: about how many independent labels the rows hold. */
  effectiveN: number;
  /** The interval rests on fewer than 10 blocks. */
  unreliable: boolean;
  blocks: number;
}

/** Nats; a smaller difference is float32 rounding: a model that answers with the prior itself must not beat it. */
const RESOLUTION = 1e-6;

/**
 * YES: the whole interval lies below zero; NO: above; NOT SHOWN: it contains zero, or there are not even two blocks, from
 * which nothing can be concluded.
 */
export function verdictOf({ interval, blocks }: Pick<PriorComparison, "interval" | "blocks">): Verdict {
  if (blocks < 2) return "NOT SHOWN";
  if (interval.upper < -RESOLUTION) return "YES";
  return interval.lower > RESOLUTION ? "NO" : "NOT SHOWN";
}

/**
 * The line a report begins with: `Beats the prior? NOT SHOWN: log-loss worse by 0.003 [−0.001, 0.007], effective n = 214`.
 * Figure and interval are those of "worse by" or "better by", so a YES reads `better by 0.012 [0.005, 0.020]`.
 */
export function headLine(comparison: PriorComparison): string {
  const { difference, interval } = comparison;
  const better = difference < 0;
  const [by, lower, upper] = better
    ? [-difference, -interval.upper, -interval.lower]
    : [difference, interval.lower, interval.upper];
  const digits = digitsFor([by, lower, upper]);
  const show = (value: number): string => minus(value.toFixed(digits));
  const caveat = comparison.unreliable ? ` (interval unreliable: ${comparison.blocks} blocks)` : "";
  return (
    `Beats the prior? ${verdictOf(comparison)}: log-loss ${better ? "better" : "worse"} by ${show(by)} ` +
    `[${show(lower)}, ${show(upper)}], effective n = ${Math.round(comparison.effectiveN)}${caveat}`
  );
}

/** Three digits; more, up to six, while a figure that is not zero would be shown as zero. */
function digitsFor(values: readonly number[]): number {
  for (let digits = 3; digits <= 6; digits++) {
    if (values.every((value) => value === 0 || Number(value.toFixed(digits)) !== 0)) return digits;
  }
  return 6;
}

/** The typographic minus; a negative zero loses its sign. */
function minus(text: string): string {
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
