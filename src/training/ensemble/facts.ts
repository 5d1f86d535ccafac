import {
  type Combination,
  classificationMetrics,
  errorCorrelation,
  type Probabilities,
} from "../../evaluation/index.js";
import type { Base } from "./bases.js";
import { type Evidence, withoutBase } from "./combination.js";

/** What a report tells of an ensemble: how it combines, and what each base is worth. */
export interface EnsembleFacts {
  combination: Combination | { kind: "model" };
  /** Why the weights are equal although they were to be learned; null where they were learned or given. */
  reason: string | null;
  /** Rows that it learned to combine on; `nothing` for given weights. */
  learnedOn: "calibrate" | "out-of-fold" | "nothing";
  rows: number;
  effectiveLabels: number;
  bases: BaseFacts[];
  /** Models between bases and combination. */
  layer: string[];
  passthrough: readonly string[];
  /** (B, B) correlation of the bases' losses, row by row, on the scored rows; null where losses do not vary. */
  errorCorrelation: (number | null)[][];
  /** Bases that were left out, and why. */
  dropped: { name: string; why: string }[];
  /** Of learning to combine, cross-fitting and scoring, the bases' answers given. */
  seconds: number;
  /** Training rows that taught nothing because no full window of every base ends there. */
  windowless: number;
}

export interface BaseFacts {
  name: string;
  /** Run of which it was taken, or how it was fitted. */
  source: string;
  /** On the scored rows; nats. */
  logLoss: number;
  /** Rise of the ensemble's loss on the scored rows when it is made without this base; null where one base alone, or none with a weight, is left. */
  adds: number | null;
}

/**
 * Scores the bases on rows that neither they nor the ensemble were fitted on, or by folds that had not seen them, and makes the
 * ensemble again without each in turn.
 *
 * @param scored Rows, labels and the bases' answers. @param combined (N, 3) the ensemble's, by the same rule.
 * @param again Makes the ensemble of other bases and answers for the scored rows; null where that is not asked for.
 */
export async function baseFacts(
  bases: readonly Base[],
  scored: Evidence,
  combined: Probabilities,
  again: ((scored: Evidence, left: number) => Promise<Probabilities | null>) | null,
): Promise<Pick<EnsembleFacts, "bases" | "errorCorrelation">> {
  const { y } = scored;
  const whole = classificationMetrics(y, combined).logLoss;
  const facts: BaseFacts[] = [];
  for (const [b, { name, source }] of bases.entries()) {
    const without = again !== null && bases.length > 2 ? await again(withoutBase(scored, b), b) : null;
    const adds = without === null ? null : classificationMetrics(y, without).logLoss - whole;
    const { logLoss } = classificationMetrics(y, scored.bases[b]!.p);
    facts.push({ name, source: source ?? "fitted with the ensemble", logLoss, adds });
  }
  return { bases: facts, errorCorrelation: errorCorrelation(y, scored.bases) };
}
