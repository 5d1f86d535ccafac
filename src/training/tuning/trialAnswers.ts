import type { AnsweredFold } from "../cv/oof.js";
import { testedRows } from "../cv/repeats.js";
import type { ScoredTrial } from "./analysis.js";
import { type SearchWork, sectionsOfTrial } from "./search.js";
import type { Setup } from "./setup.js";
import { keptTrial, planTrial, runTrial } from "./trial.js";
import type { TrialRecord } from "./tuner.js";

/** Out-of-fold answers of the study's trials: as they were kept, or fitted again. */
export class TrialAnswers {
  readonly #plan;

  constructor(
    private readonly setup: Setup,
    private readonly search: SearchWork,
  ) {
    this.#plan = planTrial(setup.context);
  }

  async of(trial: { slot: number; params: TrialRecord["params"] }, signal?: AbortSignal): Promise<AnsweredFold[]> {
    const sections = sectionsOfTrial(this.search, trial);
    const kept = keptTrial(this.setup.context, this.#plan, sections);
    if (kept !== null) return kept;
    const done = await runTrial(this.setup.context, this.#plan, {
      name: `t${trial.slot}`,
      sections,
      reporter: null,
      signal: signal ?? new AbortController().signal,
    });
    if (done === null) throw new Error("nobody prunes a fit without a reporter");
    return done.folds;
  }

  /** Null where a fold is not kept any more. */
  kept(trial: { slot: number; params: TrialRecord["params"] }): ScoredTrial | null {
    const { context } = this.setup;
    const folds = keptTrial(context, this.#plan, sectionsOfTrial(this.search, trial));
    if (folds === null) return null;
    const { dataset, plan, seeds, cell } = context;
    return { slot: trial.slot, scored: testedRows(dataset, cell.horizon, plan, seeds.length, folds) };
  }
}
