import type { Decision } from "../artifacts/index.js";
import { type Probabilities, predictionSets, type SignalRule, signalOf } from "../evaluation/index.js";
import { CLASS_COUNT, type PredictionOutput } from "../types/index.js";

/** What a decision makes of some rows' probabilities. */
export interface DecidedRows {
  /** (N, 3) of 0 and 1, columns −1, 0, 1; null where the decision has no sets. */
  sets: Uint8Array | null;
  /** (N) in −1, 0, 1, `NO_TRADE`. */
  signals: Int8Array;
}

/**
 * Sets and signals of probabilities (N, 3), such as those of `predictRow`, by a bundle's `manifest.decision`.
 *
 * @param own (N, 3) sets that stand for the decision's: adaptive ones, where outcomes came in.
 * @throws FoldwiseError `data.bad_probabilities`, `data.shape_mismatch`.
 */
export function decide(decision: Decision, p: Probabilities, own?: Uint8Array): DecidedRows {
  const n = p.length / CLASS_COUNT;
  if (n === 0) return { sets: decision.sets === null ? null : new Uint8Array(0), signals: new Int8Array(0) };
  const sets = own ?? (decision.sets === null ? null : predictionSets(decision.sets, p));
  const { rule, cost } = ruleOf(decision);
  const costs = cost === null ? null : new Float64Array(n).fill(cost);
  return { sets, signals: signalOf(rule, { p, costs, ...(sets === null ? {} : { sets }) }) };
}

/** An answer with the sets and signals of the model's decision; without one as it is. */
export function decided(output: PredictionOutput, decision: Decision | null): PredictionOutput {
  return decision === null ? output : withDecision(output, decide(decision, output.probabilities));
}

export function withDecision(output: PredictionOutput, { sets, signals }: DecidedRows): PredictionOutput {
  return { ...output, ...(sets === null ? {} : { sets }), signals };
}

function ruleOf({ signal }: Decision): { rule: SignalRule; cost: number | null } {
  if (signal.rule !== "expected_value") return { rule: signal, cost: null };
  return { rule: { rule: "expected_value", classReturns: signal.class_returns }, cost: signal.cost };
}
