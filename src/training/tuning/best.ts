import { FoldwiseError } from "../../types/index.js";
import { better } from "./objective.js";
import type { Setup } from "./setup.js";
import type { TrialRecord } from "./tuner.js";

/** A completed trial. */
export interface Best extends TrialRecord {
  slot: number;
  value: number;
}

export const asked = ({ slot, params }: Best): { slot: number; params: TrialRecord["params"] } => ({ slot, params });

export const isComplete = (trial: TrialRecord): trial is Best =>
  trial.state === "complete" && trial.slot !== null && trial.value !== null;

/** Of several that are equally good the first asked. */
export function bestOf(trials: readonly TrialRecord[], { objective }: Setup): Best {
  const complete = trials.filter(isComplete).sort((a, b) => a.slot - b.slot);
  const [first] = complete;
  if (first !== undefined)
    return complete.reduce((best, trial) => (better(objective, trial.value, best.value) ? trial : best), first);
  throw new FoldwiseError("data.no_trial", "No trial of the study was completed.", {
    remedy: "Give it more --trials or --timeout, or --pruner none.",
  });
}
