import { Window } from "./window.js";

/** Weight of all bars older than an exponential average's window. */
const FORGOTTEN = 1e-6;

/** `ema`: α = 2 / (n + 1). `wilder`: α = 1 / n. */
export type SmoothingKind = "ema" | "wilder";

function alphaOf(kind: SmoothingKind, period: number): number {
  return kind === "ema" ? 2 / (period + 1) : 1 / period;
}

/** Bars until an exponential average has forgotten its start: the weight of everything older is under 1e-6. */
export function smoothingLength(kind: SmoothingKind, period: number): number {
  const alpha = alphaOf(kind, period);
  return alpha >= 1 ? 1 : Math.ceil(Math.log(FORGOTTEN) / Math.log(1 - alpha));
}

/**
 * An exponential average that is cut where its start is forgotten, with weights that sum to 1.
 *
 * The endless recursion (as in TA-Lib or `trading-signals`) never lets go of a large move followed by flat prices: ratios
 * of two such averages then still depend on where the stream began. Cut, a value depends on a stated number of bars
 * exactly, and differs from the recursion by less than 1e-6 of the range of its inputs.
 */
export class Smoothing {
  readonly length: number;
  private readonly window: Window;
  private readonly weights: Float64Array;

  constructor(kind: SmoothingKind, period: number) {
    const alpha = alphaOf(kind, period);
    this.length = smoothingLength(kind, period);
    this.window = new Window(this.length);
    this.weights = new Float64Array(this.length);
    const total = 1 - (1 - alpha) ** this.length;
    for (let k = 0; k < this.length; k++) this.weights[this.length - 1 - k] = (alpha * (1 - alpha) ** k) / total;
  }

  /** For prices: exact where they are constant. */
  level(value: number): number {
    this.window.push(value);
    return this.window.weightedLevel(this.weights);
  }

  /** For amounts (gains, ranges, volumes): exactly zero where all are zero. */
  amount(value: number): number {
    this.window.push(value);
    return this.window.weighted(this.weights);
  }
}
