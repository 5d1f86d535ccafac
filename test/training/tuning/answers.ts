/** Answers to make-believe rows, for tests of what is said of trials. */
import type { Probabilities } from "../../../src/evaluation/index.js";
import type { TradingInput } from "../../../src/report/index.js";
import type { ScoredTrial } from "../../../src/training/tuning/analysis.js";
import { type Random, seededRandom } from "../../../src/types/index.js";

/** (n) classes at random, in −1, 0, 1. */
export const classes = (n: number, random: Random): Int8Array => Int8Array.from({ length: n }, () => random.int(3) - 1);

/** (n, 3) probabilities of random strength that know the class with this skill: 0 is noise. */
export function answers(y: Int8Array, random: Random, skill = 0): Float32Array {
  const p = new Float32Array(3 * y.length);
  for (let i = 0; i < y.length; i++) {
    const odds = [-1, 0, 1].map((k) => Math.exp(0.4 * random.normal() + (k === y[i] ? skill : 0)));
    const sum = odds[0]! + odds[1]! + odds[2]!;
    for (let k = 0; k < 3; k++) p[3 * i + k] = odds[k]! / sum;
  }
  return p;
}

/** Labels last five rows. */
export function scoredTrial(slot: number, y: Int8Array, ...repeats: Probabilities[]): ScoredTrial {
  const prior = new Float32Array(3 * y.length).fill(1 / 3);
  return {
    slot,
    scored: { y, repeats: repeats.map((p) => ({ p, prior })), durations: new Float64Array(y.length).fill(5) },
  };
}

/** Rows of which each can be traded alone; ten a session. Its return has the sign of its class. */
export function tradable(y: Int8Array, seed: number): TradingInput {
  const random = seededRandom(seed);
  const timestamps = Float64Array.from(y, (_, i) => i);
  const session = Int32Array.from(y, (_, i) => Math.floor(i / 10));
  const count = Math.ceil(y.length / 10);
  return {
    timestamps,
    labelEnds: timestamps.map((time) => time + 0.5),
    returns: Float32Array.from(y, (label) => 0.01 * label * (0.5 + random.next())),
    costs: null,
    sessions: { entry: session, exit: session, count, perYear: 250 },
    dates: Array.from({ length: count }, (_, day) => new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)),
    calendar: null,
    symbolCosts: null,
    grossBecause: "there are none",
  };
}
