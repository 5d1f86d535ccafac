import type { Bars } from "../../src/types/index.js";

/** The definitions written out slowly, row by row, for comparison. */

export function referenceAtr(bars: Bars, period: number, piece: Int32Array, t: number): number {
  if (t < period - 1) return Number.NaN;
  const range = (i: number): number => {
    const sides = [bars.high[i]! - bars.low[i]!];
    if (i > 0 && piece[i] === piece[i - 1]) {
      sides.push(Math.abs(bars.high[i]! - bars.close[i - 1]!), Math.abs(bars.low[i]! - bars.close[i - 1]!));
    }
    return Math.max(...sides);
  };
  if (t === period - 1) return Array.from({ length: period }, (_, i) => range(i)).reduce((a, b) => a + b) / period;
  return ((period - 1) * referenceAtr(bars, period, piece, t - 1) + range(t)) / period;
}

export interface ReferenceOptions {
  horizon: number;
  k: number;
  entry: "next_open" | "close";
  piece: Int32Array;
}

/** Label, exit row and return of row t; null for a context row. */
export function referenceLabel(bars: Bars, { horizon, k, entry, piece }: ReferenceOptions, t: number, atr: number) {
  const ahead = Array.from({ length: horizon }, (_, i) => t + 1 + i);
  if (Number.isNaN(atr) || ahead.some((i) => i >= bars.n || piece[i] !== piece[t])) return null;
  const price = entry === "close" ? bars.close[t]! : bars.open[t + 1]!;
  const upper = price + k * atr * Math.sqrt(horizon);
  const lower = price - k * atr * Math.sqrt(horizon);
  const answer = (label: number, exit: number, at: number) => ({ label, exit, r: (at - price) / price });
  for (const i of ahead) {
    const touchesUp = bars.high[i]! >= upper;
    const touchesDown = bars.low[i]! <= lower;
    if (bars.open[i]! >= upper) return answer(1, i, bars.open[i]!);
    if (bars.open[i]! <= lower) return answer(-1, i, bars.open[i]!);
    if (touchesUp && touchesDown) return answer(0, i, bars.close[i]!);
    if (touchesUp) return answer(1, i, upper);
    if (touchesDown) return answer(-1, i, lower);
  }
  return answer(0, t + horizon, bars.close[t + horizon]!);
}

/** Average uniqueness by counting every bar of every label. `exits[t]` is −1 for context rows. */
export function referenceUniqueness(exits: readonly number[]): number[] {
  const concurrent = (bar: number): number => exits.filter((exit, t) => exit >= 0 && t < bar && bar <= exit).length;
  return exits.map((exit, t) => {
    if (exit < 0) return 0;
    let sum = 0;
    for (let bar = t + 1; bar <= exit; bar++) sum += 1 / concurrent(bar);
    return sum / (exit - t);
  });
}
