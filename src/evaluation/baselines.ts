import { NO_LABEL } from "../types/index.js";
import { PROBABILITY_FLOOR } from "./losses.js";
import type { ClassShares } from "./prior.js";

/**
 * Baselines that know a state of each row, −1, 0, 1 or this, and answer with the class shares of the training rows in that
 * state. A state is known at the row: no label that ends after it, no price that comes after it.
 */
export const UNKNOWN_STATE = 2;

/** Rows of the prior that each state's shares are mixed with, so that a class that a state never met has a share. */
const SMOOTHING = 10;

/**
 * Of each row, the label already known: that of the latest row whose outcome was known at its stamp.
 *
 *   label of s   ├─────────┤
 *   label of s+1    ├──┤             known at t: that of s+1, though it ended before that of s
 *   row                      t
 *
 * @param labels (N) in −1, 0, 1, `NO_LABEL`.
 * @param exits (N) rows at whose stamp each label's outcome is known, above the row's own; negative where there is no label.
 * @returns (N) in −1, 0, 1, `UNKNOWN_STATE`.
 */
export function lastKnownLabels(labels: Int8Array, exits: Int32Array): Int8Array {
  const n = labels.length;
  const learnt = new Int32Array(n).fill(-1);
  for (let s = 0; s < n; s++) {
    const exit = exits[s]!;
    if (labels[s] !== NO_LABEL && exit > s && exit < n) learnt[exit] = Math.max(learnt[exit]!, s);
  }
  const states = new Int8Array(n);
  let latest = -1;
  for (let t = 0; t < n; t++) {
    latest = Math.max(latest, learnt[t]!);
    states[t] = latest < 0 ? UNKNOWN_STATE : labels[latest]!;
  }
  return states;
}

/**
 * Of each row, the sign of the past return over `horizon` rows, by prices that were known at its stamp.
 *
 *   price    p[t − lag − H]  ─────────────►  p[t − lag]   row t
 *
 * @param prices (N), NaN where there is none.
 * @param piece (N); a return does not go from one piece into another.
 * @param lag Rows until a row's price is known: 1 where it is the next bar's open, 0 where it is this bar's close.
 * @returns (N) in −1, 0, 1, `UNKNOWN_STATE`.
 */
export function pastReturnSigns(
  prices: Float64Array,
  piece: Int32Array,
  { horizon, lag }: { horizon: number; lag: number },
): Int8Array {
  const signs = new Int8Array(prices.length);
  const signAt = (t: number): number => {
    const from = t - lag - horizon;
    if (from < 0 || piece[from] !== piece[t]) return UNKNOWN_STATE;
    const change = prices[t - lag]! - prices[from]!;
    return Number.isNaN(change) ? UNKNOWN_STATE : Math.sign(change);
  };
  for (let t = 0; t < signs.length; t++) signs[t] = signAt(t);
  return signs;
}

/** Class shares by state, in the order −1, 0, 1, unknown. */
export type StateShares = [ClassShares, ClassShares, ClassShares, ClassShares];

/**
 * Class shares of training rows given their state: (rows of the class + 10 × its prior) / (rows of the state + 10). Those of an
 * unknown state are the prior.
 *
 * @param states (N) of the training rows.
 * @param y (N) their labels.
 * @param prior Class shares of all of them.
 */
export function sharesByState(states: Int8Array, y: Int8Array, prior: ClassShares): StateShares {
  const counts = [0, 1, 2].map((): ClassShares => [0, 0, 0]);
  states.forEach((state, i) => {
    if (state !== UNKNOWN_STATE) counts[state + 1]![(y[i]! + 1) as 0 | 1 | 2]++;
  });
  const [short, neutral, long] = counts.map((rows): ClassShares => {
    const total = rows[0] + rows[1] + rows[2] + SMOOTHING;
    return [0, 1, 2].map((k) => (rows[k]! + SMOOTHING * prior[k]!) / total) as ClassShares;
  });
  return [short!, neutral!, long!, prior];
}

/** Log-loss of a row whose state has these shares. */
export const stateLoss = (shares: StateShares, state: number, label: number): number =>
  -Math.log(Math.max(shares[state + 1]![label + 1]!, PROBABILITY_FLOOR));

/** Whether the hard guess is right: the state itself; where it is unknown, the most frequent class. */
export function stateHit(shares: StateShares, state: number, label: number): boolean {
  if (state !== UNKNOWN_STATE) return state === label;
  const prior = shares[3];
  return prior.indexOf(Math.max(...prior)) - 1 === label;
}
