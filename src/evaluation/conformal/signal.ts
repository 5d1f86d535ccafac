import { CLASS_COUNT, CLASSES, FoldwiseError, type Label } from "../../types/index.js";
import { checkProbabilities, likeliest, type Probabilities } from "../losses.js";
import { checkLabels, checkLength, rowsOf } from "./checks.js";

/** Abstention. Held as int8 −128, null in JSON and files, as `NO_LABEL` is. */
export const NO_TRADE = -128;

/** Mean return of a long position by what became of it: −1, 0, 1. A fraction of the price at entry, before costs; null: unknown. */
export type ClassReturns = [number | null, number | null, number | null];

/** How answers become signals. Plain JSON. */
export type SignalRule =
  /** What a position is expected to return exceeds a round trip's cost. The default. */
  | { rule: "expected_value"; classReturns: ClassReturns }
  /** The likeliest class has at least this probability, in (0, 1]. */
  | { rule: "probability"; threshold: number }
  /** The prediction set holds a single class. */
  | { rule: "set_size" };

export interface SignalRows {
  /** (N, 3). */
  p: Probabilities;
  /**
   * For `expected_value`: (N) what a round trip costs, as a return (`roundTripCosts`), NaN where unknown: no trade; null where no
   * costs are known at all: they count as none.
   */
  costs?: Float64Array | null;
  /** For `set_size`: (N, 3) of 0 and 1. */
  sets?: Uint8Array;
}

/**
 * Mean return by class of rows that neither the fit nor anything chosen by it has seen (`calibrate` rows), NaN passed over. A
 * neutral label's return is that at the vertical barrier: small, not zero.
 *
 * @param y (N) in −1, 0, 1.
 * @param returns (N) `return_h{H}`: of a long position from entry to exit.
 * @throws FoldwiseError `data.shape_mismatch`, `data.bad_label`.
 */
export function classReturns(y: Int8Array, returns: Float32Array | Float64Array): ClassReturns {
  checkLength("returns", returns, y.length);
  checkLabels(y, { unlabelled: "refused" });
  const sums = [0, 0, 0];
  const rows = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    if (Number.isNaN(returns[i]!)) continue;
    sums[y[i]! + 1]! += returns[i]!;
    rows[y[i]! + 1]!++;
  }
  const meanOf = (k: number): number | null => (rows[k] === 0 ? null : sums[k]! / rows[k]!);
  return [meanOf(0), meanOf(1), meanOf(2)];
}

/**
 * E[return of a long position | p] = Σ p(k) · mean return of class k, before costs; of a short one it is the negative. NaN where a
 * class whose return is unknown has a probability above 0. (N)
 *
 * @param p (N, 3).
 */
export function expectedReturns(returns: ClassReturns, p: Probabilities): Float64Array {
  const expected = new Float64Array(p.length / CLASS_COUNT);
  for (let j = 0; j < p.length; j++) {
    if (p[j] !== 0) expected[Math.floor(j / CLASS_COUNT)]! += p[j]! * (returns[j % CLASS_COUNT] ?? Number.NaN);
  }
  return expected;
}

/**
 * What to do at each row: 1 go long, −1 go short, 0 stay flat because neutral is the answer, `NO_TRADE` because there is no answer
 * to act on.
 *
 * | rule           | 1, −1                                 | 0                                          | no trade                     |
 * |----------------|---------------------------------------|--------------------------------------------|------------------------------|
 * | expected_value | E > cost, −E > cost                   | neither pays, and neutral is the likeliest | neither pays; E or the cost unknown |
 * | probability    | p of the likeliest class ≥ threshold  | the same, of class 0                       | below the threshold          |
 * | set_size       | the only class of the set             | the same, of class 0                       | none or several in the set   |
 *
 * E is of `expectedReturns`. So `expected_value` may go long though another class is likelier: three in ten at +2 % are worth more
 * than four in ten at −1 %.
 *
 * @returns (N) in −1, 0, 1, `NO_TRADE`.
 * @throws FoldwiseError `usage.signal_rule`, `usage.signal_threshold`, `usage.signal_sets`, `usage.signal_returns`,
 *   `data.no_rows`, `data.shape_mismatch`, `data.bad_probabilities`, `data.bad_cost`.
 */
export function signalOf(rule: SignalRule, { p, costs = null, sets }: SignalRows): Int8Array {
  const n = rowsOf("probabilities", p);
  checkProbabilities(p);
  switch (rule.rule) {
    case "expected_value":
      return byExpectedValue(rule.classReturns, p, costs);
    case "probability": {
      const { threshold } = rule;
      checkThreshold(threshold);
      return signals(n, (i) => (p[CLASS_COUNT * i + likeliest(p, i)]! >= threshold ? likeliest(p, i) - 1 : NO_TRADE));
    }
    case "set_size":
      return bySetSize(sets, n);
    default:
      throw new FoldwiseError("usage.signal_rule", `Got the signal rule ${JSON.stringify(rule)}.`, {
        remedy: "Give one whose `rule` is expected_value, probability or set_size.",
      });
  }
}

/** For JSON, tables and single rows: null is no trade. */
export const tradeOrNull = (signal: number): Label | null => (signal === NO_TRADE ? null : (signal as Label));

function byExpectedValue(returns: ClassReturns, p: Probabilities, costs: Float64Array | null): Int8Array {
  const n = p.length / CLASS_COUNT;
  if (returns.length !== CLASS_COUNT || returns.some((value) => value !== null && !Number.isFinite(value))) {
    throw new FoldwiseError("usage.signal_returns", `Got ${JSON.stringify(returns)} as mean returns of the classes.`, {
      remedy: "Give a finite mean return for each of −1, 0, 1, null where it is unknown; `classReturns` makes them.",
    });
  }
  if (costs !== null) checkCosts(costs, n);
  const expected = expectedReturns(returns, p);
  return signals(n, (i) => {
    const edge = Math.abs(expected[i]!) - (costs === null ? 0 : costs[i]!);
    if (Number.isNaN(edge)) return NO_TRADE;
    if (edge > 0) return Math.sign(expected[i]!);
    return likeliest(p, i) === 1 ? 0 : NO_TRADE;
  });
}

function bySetSize(sets: Uint8Array | undefined, n: number): Int8Array {
  if (sets === undefined) {
    throw new FoldwiseError("usage.signal_sets", "Signals by set size need prediction sets, and there are none.", {
      remedy: "Give the sets of the same rows, from `predictionSets` or `adaptiveSets`.",
    });
  }
  checkLength("prediction sets", sets, n, CLASS_COUNT);
  return signals(n, (i) => {
    const inSet = CLASSES.filter((_, k) => sets[CLASS_COUNT * i + k] === 1);
    return inSet.length === 1 ? inSet[0]! : NO_TRADE;
  });
}

function signals(n: number, at: (row: number) => number): Int8Array {
  const all = new Int8Array(n);
  for (let i = 0; i < n; i++) all[i] = at(i);
  return all;
}

function checkThreshold(threshold: number): void {
  if (threshold > 0 && threshold <= 1) return;
  throw new FoldwiseError("usage.signal_threshold", `Got the probability threshold ${threshold}.`, {
    remedy: "Give a probability above 0 and up to 1; one up to 1/3 abstains never.",
    details: { got: threshold },
  });
}

function checkCosts(costs: Float64Array, n: number): void {
  checkLength("costs", costs, n);
  const bad = costs.findIndex((cost) => cost < 0);
  if (bad < 0) return;
  throw new FoldwiseError("data.bad_cost", `Row ${bad} has the cost ${costs[bad]}; a round trip costs 0 or more.`, {
    remedy: "Give costs as positive returns, as `roundTripCosts` makes them.",
    details: { row: bad },
  });
}
