import type { TrialPlan } from "./trial.js";
import type { TrialRecord } from "./tuner.js";

/**
 * The order in which trials do their fits so that most of them end after little work: those of the first seed before the others,
 * and of those the cheapest first, by rounds × rows of the first trial that was completed. Null while there is none.
 *
 * What a study records and how it judges does not depend on it: a trial is compared with others by the folds that it has done.
 *
 * @returns Numbers of `plan.tasks`.
 */
export function cheapestFirst({ tasks }: TrialPlan, trials: readonly TrialRecord[]): number[] | null {
  const [first] = trials
    .filter(({ state, slot, attrs }) => state === "complete" && slot !== null && attrs.best_epochs !== undefined)
    .sort((a, b) => a.slot! - b.slot!);
  if (first === undefined) return null;
  const rounds = Array.isArray(first.attrs.best_epochs) ? first.attrs.best_epochs : [];
  // A model without rounds, which has none or 0, is as dear as its rows are many.
  const cost = tasks.map(({ rows }, i) => rows.fit.length * Math.max(1, Number(rounds[i] ?? 1)));
  return [...tasks.keys()].sort((a, b) => tasks[a]!.repeat - tasks[b]!.repeat || cost[a]! - cost[b]!);
}
