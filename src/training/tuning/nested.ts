import { join } from "node:path";
import { symbolMarket } from "../../config/index.js";
import type { CvReport, TuningReport } from "../../report/index.js";
import { FoldwiseError, throwIfAborted } from "../../types/index.js";
import { type Fold, purgedKFold, walkForward } from "../../validation/index.js";
import type { AnsweredFold } from "../cv/oof.js";
import type { CvPlan, PlannedFold } from "../cv/plan.js";
import { rowsTested, testedRows } from "../cv/repeats.js";
import { tradingOf } from "../cv/trading.js";
import { asked, bestOf } from "./best.js";
import { objectiveOf } from "./objective.js";
import { openStudy } from "./open.js";
import { type SearchWork, search, sectionsOfTrial } from "./search.js";
import type { Setup, TuneWork } from "./setup.js";
import type { StudyFiles } from "./storage.js";
import { planTrial, runTrial, type TrialContext } from "./trial.js";
import type { Tuner } from "./tuner.js";

/**
 * Nested cross-validation (Varma and Simon, Bias in Error Estimation When Using Cross-Validation for Model Selection, 2006): in
 * every outer fold the whole search is done again on that fold's training rows alone, and its winner answers the fold's tested rows.
 * What is scored is the procedure "tune, then fit", on rows that had no part in any choice.
 *
 *   outer fold   ├───────────── train ─────────────┤p e├ test ┤
 *     inner        ├ fit ┤ test ┤ …  K folds, N trials      ▲ answered once, by the inner winner
 */
export async function nestedSearch(
  tuner: Tuner,
  {
    work,
    setup,
    files,
    searchOf,
    reportOf,
  }: {
    work: TuneWork;
    setup: Setup;
    files: StudyFiles;
    /** The search that a study of a context makes. */
    searchOf: (context: TrialContext, study: SearchWork["study"]) => SearchWork;
    /** The figures of answers to all outer folds. */
    reportOf: (folds: readonly AnsweredFold[]) => CvReport;
  },
): Promise<NonNullable<TuningReport["nested"]>> {
  const { cell, onEvent, signal } = work;
  const { context, dataset, objective, plans } = setup;
  const answered: AnsweredFold[] = [];
  const facts: NonNullable<TuningReport["nested"]>["folds"] = [];
  for (const outer of plans.cv.folds) {
    throwIfAborted(signal);
    const message = `outer fold ${outer.fold + 1} of ${plans.cv.folds.length}: tuning on its training rows`;
    onEvent({ event: "stage", job: cell.job, stage: "nested", message });
    const keepDir = join(context.keepDir, `outer${outer.fold}`);
    const plan = innerPlan(plans.cv, outer);
    const inner: TrialContext = { ...context, keepDir, plan };
    const study = await openStudy(tuner, { work, setup, files, name: `${cell.job}_outer${outer.fold}` }, inner);
    // What can be traded on the inner folds' rows alone.
    const trading = tradingOf(dataset, cell, rowsTested(plan), symbolMarket(cell.symbol, work.session.cwd));
    const within = `outer fold ${outer.fold + 1}`;
    const innerSearch = { ...searchOf(inner, study), within, objective: objectiveOf(objective.metric, trading) };
    const { trials } = await search(innerSearch);
    const best = bestOf(trials, setup);
    const sections = sectionsOfTrial(innerSearch, asked(best));
    const alone: TrialContext = { ...context, plan: { ...plans.cv, folds: [outer], paths: null } };
    const done = await runTrial(alone, planTrial(alone), {
      name: `outer${outer.fold}`,
      sections,
      reporter: null,
      signal: signal ?? new AbortController().signal,
    });
    if (done === null) throw new Error("nobody prunes a fit without a reporter");
    answered.push(...done.folds);
    const used = trials.filter(
      ({ slot, state, attrs }) => slot !== null && state !== "waiting" && attrs.requeued !== true,
    );
    facts.push({ fold: outer.fold, trials: used.length, value: best.value, params: best.params });
  }
  const { seeds } = context;
  const { head_line, cv } = reportOf(answered);
  const { metrics, prior, log_loss_difference, intervals } = cv;
  return {
    head_line,
    metrics,
    prior,
    log_loss_difference,
    interval: intervals.log_loss_difference,
    value: objective.value(testedRows(dataset, cell.horizon, plans.cv, seeds.length, answered)),
    folds: facts,
  };
}

/** Folds of the same kind and number among an outer fold's training rows; of a CPCV a k-fold. */
export function innerPlan(plan: CvPlan, outer: PlannedFold): CvPlan {
  const { timestamps, ends, embargo, scheme } = plan;
  const input = { timestamps, ends, embargo, rows: outer.train };
  const count = Math.max(2, Math.min(plan.folds.length, INNER_FOLDS));
  const folds = (): Fold[] => {
    if (scheme.name === "walk-forward")
      return walkForward(input, { steps: { by: "folds", folds: count }, window: "expanding" });
    return purgedKFold(input, count);
  };
  try {
    return {
      ...plan,
      ...input,
      folds: folds(),
      paths: null,
      scheme: { name: scheme.name === "cpcv" ? "kfold" : scheme.name, description: `${count} inner folds` },
    };
  } catch (cause) {
    if (!(cause instanceof FoldwiseError)) throw cause;
    throw new FoldwiseError(cause.code, `Inside outer fold ${outer.fold + 1}: ${cause.message}`, {
      remedy: "Use fewer --folds, a smaller --embargo, more bars, or leave --nested out.",
      cause,
    });
  }
}

/** More would leave little to fit on, and take as much longer. */
const INNER_FOLDS = 5;
