import { CLASS_COUNT, CLASSES, type Label } from "../../types/index.js";
import type { BaseAnswers } from "./bases.js";
import { centredLogs, type MetaCoefficients, probabilitiesOf } from "./metaObjective.js";
import { hardVote, softVote } from "./vote.js";

/** How what several models say of a row becomes one answer. Plain JSON. */
export type Combination =
  | { kind: "soft_vote" | "hard_vote"; weights: number[] }
  | ({ kind: "shrunk_logistic" } & Pick<MetaCoefficients, "coefficients"> & { bias: [number, number, number] });

/**
 * One answer of several models': `softVote`, `hardVote` or the formula at `fitMetaLogistic`.
 *
 * @param answers (B ≥ 2) of (N, 3) each, in the order of the weights or coefficients.
 * @param trained Classes that the training rows had: the others get exactly 0, though votes are smoothed and logarithms clipped.
 * @returns (N, 3)
 * @throws FoldwiseError what `softVote` throws.
 */
export function combine(
  combination: Combination,
  answers: readonly BaseAnswers[],
  trained: readonly Label[],
): Float64Array {
  return onlyTrained(unmasked(combination, answers), trained);
}

function unmasked(combination: Combination, answers: readonly BaseAnswers[]): Float64Array {
  switch (combination.kind) {
    case "soft_vote":
      return softVote(answers, combination.weights);
    case "hard_vote":
      return hardVote(answers, combination.weights);
    case "shrunk_logistic":
      return probabilitiesOf(combination, centredLogs(answers));
  }
}

function onlyTrained(p: Float64Array, trained: readonly Label[]): Float64Array {
  if (trained.length === CLASS_COUNT) return p;
  const kept = CLASSES.map((label) => trained.includes(label));
  for (let row = 0; row < p.length; row += CLASS_COUNT) {
    let sum = 0;
    for (let k = 0; k < CLASS_COUNT; k++) if (kept[k]) sum += p[row + k]!;
    for (let k = 0; k < CLASS_COUNT; k++) p[row + k] = kept[k] ? p[row + k]! / sum : 0;
  }
  return p;
}
