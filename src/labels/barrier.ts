import type { Label } from "../types/index.js";
import type { PricePath } from "./atr.js";

/** How a label's interval ended. */
export const EXIT = {
  /** A context row: no label. */
  none: 0,
  upper: 1,
  lower: 2,
  /** Neither barrier within H bars. */
  vertical: 3,
  /** Both barriers inside one bar: which came first is unknown. */
  both: 4,
  /** The market opened beyond the barrier. */
  upperGap: 5,
  lowerGap: 6,
} as const;
export type ExitKind = (typeof EXIT)[keyof typeof EXIT];

/** Filled by `labelOne`; one object is reused for millions of rows. */
export interface Outcome {
  label: Label;
  /** Index of the exit bar in the path. */
  exit: number;
  /** Exit price. */
  price: number;
  kind: ExitKind;
}

export function newOutcome(): Outcome {
  return { label: 0, exit: -1, price: Number.NaN, kind: EXIT.none };
}

/** Narrower than this share of the price, a barrier says nothing: the market stood still and rounding would decide. */
const NARROWEST = 1e-9;

/** k · ATR · √H in price units, a side; NaN where there is no usable range (warm-up, a market that never moved). */
export function barrierDistance(k: number, atr: number, horizon: number, entry: number): number {
  const distance = k * atr * Math.sqrt(horizon);
  return distance > NARROWEST * entry ? distance : Number.NaN;
}

/**
 * Labels one entry on bars `first` to `first + horizon − 1` of `path` (López de Prado, Advances in Financial Machine Learning,
 * 2018, ch. 3, with intrabar rules of our own):
 *
 *     upper ─────────────────────────  open at or beyond a barrier   → that side, exit at the open
 *     entry ●──┐ ┌─ ┌─┐ ┌──────────┤   high or low reaches one       → that side, exit at the barrier's price
 *            └─┘ └──┘ └─┘          │   high and low reach both       → 0, exit at that bar's close
 *     lower ───────────────────────┤   none in `horizon` bars        → 0, exit at the last bar's close
 *            first … first + horizon − 1
 *
 * The path must hold `horizon` bars from `first` on, and `distance` be a positive number (`barrierDistance`).
 *
 * @returns `out`, filled.
 */
export function labelOne(
  path: PricePath,
  first: number,
  horizon: number,
  entry: number,
  distance: number,
  out: Outcome,
): Outcome {
  const { open, high, low } = path;
  const upper = entry + distance;
  const lower = entry - distance;
  const last = first + horizon - 1;
  for (let i = first; i <= last; i++) {
    const at = open[i]!;
    if (at >= upper) return set(out, 1, i, at, at > upper ? EXIT.upperGap : EXIT.upper);
    if (at <= lower) return set(out, -1, i, at, at < lower ? EXIT.lowerGap : EXIT.lower);
    const up = high[i]! >= upper;
    const down = low[i]! <= lower;
    if (up && down) return set(out, 0, i, path.close[i]!, EXIT.both);
    if (up) return set(out, 1, i, upper, EXIT.upper);
    if (down) return set(out, -1, i, lower, EXIT.lower);
  }
  return set(out, 0, last, path.close[last]!, EXIT.vertical);
}

function set(out: Outcome, label: Label, exit: number, price: number, kind: ExitKind): Outcome {
  out.label = label;
  out.exit = exit;
  out.price = price;
  out.kind = kind;
  return out;
}
