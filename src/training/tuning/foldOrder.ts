import type { TrialPlan } from "./trial.js";
import type { Study, TrialRecord } from "./tuner.js";

/**
 * In which order trials do their fits: as planned, but of a race, as soon as the study shows what they cost, the cheapest first, so
 * that most trials end after little work.
 */
export class FoldOrders {
  #known: number[] | null = null;

  constructor(
    private readonly study: Pick<Study, "racing" | "trials">,
    private readonly plan: TrialPlan,
  ) {}

  /** That of a trial which begins now; undefined: as planned. */
  async next(): Promise<number[] | undefined> {
    if (!this.study.racing) return undefined;
    this.#known ??= cheapestFirst(this.plan, await this.study.trials());
    return this.#known ?? undefined;
  }
}

/**
 * The fits of the first seed before those of the others, and of those the cheapest first, by epochs × rows of the first slot that has
 * a completed trial. Null while there is none. A completed trial has the same value whatever the order; which trials are pruned,
 * and what is known of those, depends on it.
 *
 * @returns Numbers of `plan.tasks`.
 */
export function cheapestFirst({ tasks }: TrialPlan, trials: readonly TrialRecord[]): number[] | null {
  const [first] = trials
    .filter(({ state, slot, attrs }) => state === "complete" && slot !== null && Array.isArray(attrs.total_epochs))
    .sort((a, b) => a.slot! - b.slot!);
  if (first === undefined) return null;
  const epochs = first.attrs.total_epochs as readonly unknown[];
  // A model without epochs, which has 0 of them, is as dear as its rows are many; so is what the file does not tell as a number.
  const cost = tasks.map(({ rows }, i) => rows.fit.length * Math.max(1, Number(epochs[i]) || 0));
  return [...tasks.keys()].sort((a, b) => tasks[a]!.repeat - tasks[b]!.repeat || cost[a]! - cost[b]!);
}
