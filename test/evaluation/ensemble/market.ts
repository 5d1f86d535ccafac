import { readFileSync } from "node:fs";
import {
  type BaseAnswers,
  basesOfRows,
  constantProbabilities,
  type Interval,
  type Probabilities,
  pairedDifference,
  priorOf,
  rowLogLosses,
  weightedMean,
} from "../../../src/evaluation/index.js";
import { FoldwiseError, gather, places, seededRandom } from "../../../src/types/index.js";

export interface Answered {
  y: Int8Array;
  bases: BaseAnswers[];
}

/**
 * Labels of returns over the next `horizon` bars, so that neighbours share most of what decides them, and bases whose logits are
 * slow noise, as features of overlapping bars are. The first `good` bases know the drift besides.
 */
export function market(
  rows: number,
  { bases, good = 0, horizon, seed }: { bases: number; good?: number; horizon: number; seed: number },
): Answered {
  const random = seededRandom(seed);
  const slow = (decay: number): (() => number) => {
    let value = random.normal();
    return () => {
      value = decay * value + Math.sqrt(1 - decay ** 2) * random.normal();
      return value;
    };
  };
  const next = slow(0.98);
  const drift = Float64Array.from({ length: rows + horizon }, next);
  const strength = good > 0 ? 0.8 / Math.sqrt(horizon) : 0;
  const returns = drift.map((each) => random.normal() + strength * each);
  const y = Int8Array.from({ length: rows }, (_, t) => {
    let sum = 0;
    for (let ahead = 1; ahead <= horizon; ahead++) sum += returns[t + ahead]!;
    const score = sum / Math.sqrt(horizon);
    return score < -0.43 ? -1 : score > 0.43 ? 1 : 0;
  });
  const answers = Array.from({ length: bases }, (_, b) => {
    const noise = [slow(0.95), slow(0.95), slow(0.95)];
    const logits = new Float64Array(3 * rows).map((_, at) => {
      const known = b < good ? ((at % 3) - 1) * 0.4 * drift[Math.floor(at / 3)]! : 0;
      return known + 0.5 * noise[at % 3]!();
    });
    return { name: `b${b}`, p: softmax(logits) };
  });
  return { y, bases: answers };
}

/** (N, 3) of logits (N, 3). */
export function softmax(logits: Float64Array): Float64Array {
  const p = logits.map(Math.exp);
  for (let at = 0; at < p.length; at += 3) {
    const total = p[at]! + p[at + 1]! + p[at + 2]!;
    for (let k = 0; k < 3; k++) p[at + k]! /= total;
  }
  return p;
}

/** Rows `from` to `to`, exclusive. */
export function between({ y, bases }: Answered, from: number, to: number): Answered {
  const rows = places(to).subarray(from);
  return { y: gather(y, rows, new Int8Array(rows.length)), bases: basesOfRows(bases, rows) };
}

/** Mean log-loss; nats. */
export const lossOf = (y: Int8Array, p: Probabilities): number => weightedMean(rowLogLosses(y, p));

/**
 * The 95 % interval of how much worse than the class shares of the fitted rows these answers are, over all parts. Nats.
 * Blocks are of `block` rows, as long as what overlapping labels have in common.
 */
export function againstPrior(
  parts: readonly { fitted: Int8Array; scored: Int8Array; p: Probabilities }[],
  block: number,
): Interval {
  const joined = (losses: Float64Array[]): Float64Array => Float64Array.from(losses.flatMap((loss) => [...loss]));
  const own = joined(parts.map(({ scored, p }) => rowLogLosses(scored, p)));
  const prior = joined(
    parts.map(({ fitted, scored }) => rowLogLosses(scored, constantProbabilities(priorOf(fitted), scored.length))),
  );
  return pairedDifference(own, prior, { block, seed: 7 }).interval;
}

/** Rows of (short, neutral, long) as a base. */
export const base = (name: string, rows: readonly (readonly [number, number, number])[]): BaseAnswers => ({
  name,
  p: Float64Array.from(rows.flat()),
});

/** The error's code, and that it tells what to do. */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof FoldwiseError && (error.remedy ?? "") !== "") return error.code;
    throw error;
  }
  return "nothing was refused";
}

interface Golden {
  y: number[];
  bases: number[][];
  voting: { effectiveLabels: number; shrinkage: number; weights: number[]; logLoss: number }[];
  meta: { effectiveLabels: number; strength: number; perClass: boolean; coefficients: number[][]; bias: number[] }[];
}

/** What scipy's general minimisers make of four bases: test/fixtures/ensemble/make.py. */
export const golden = JSON.parse(
  readFileSync(new URL("../../fixtures/ensemble/golden.json", import.meta.url), "utf8"),
) as Golden;
export const goldenRows: Answered = {
  y: Int8Array.from(golden.y),
  bases: golden.bases.map((p, b) => ({ name: `b${b}`, p: Float64Array.from(p) })),
};
