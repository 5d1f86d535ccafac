import type { TrainingConfig } from "../../config/index.js";
import { isLoss } from "./objective.js";
import type { TrialContext } from "./trial.js";
import type { PrunerSpec } from "./tuner.js";

/** Trials that are completed before any is pruned. */
const STARTUP_TRIALS = 5;
/** A fold on, the race goes on with what is among the best quarter. */
const RACE_QUANTILE = 0.25;
/** Share of the most rounds of a fold before whose end nothing is pruned: losses of the first rounds tell little but the learning rate. */
const WARMUP_SHARE = 0.05;
/** Hyperband's first rung is at this share of the most rounds; each further one is so many times as far. */
const FIRST_RUNG = 0.1;
const REDUCTION = 3;

/** What ends trials over these folds. */
export function prunerOf(
  { pruner, metric }: TrainingConfig["tuning"],
  { rounds, plan, seeds }: Pick<TrialContext, "rounds" | "plan" | "seeds">,
): PrunerSpec {
  const rows = seeds.flatMap(() => plan.folds.map(({ test }) => test.length));
  // A single fit has nobody to race against, but rounds.
  const forLosses = rows.length > 1 ? "race" : "median";
  const kind = pruner === "auto" ? (isLoss(metric) ? forLosses : "none") : pruner;
  switch (kind) {
    case "none":
      return { kind };
    case "race":
      return { kind, startup: STARTUP_TRIALS, quantile: RACE_QUANTILE, rows };
    case "median":
      return { kind, startup: STARTUP_TRIALS, warmup: Math.max(0, Math.ceil(rounds * WARMUP_SHARE) - 1) };
    case "hyperband": {
      const least = Math.max(1, Math.floor(rounds * FIRST_RUNG));
      return { kind, min_resource: least, max_resource: rounds * rows.length, reduction: REDUCTION };
    }
  }
}
