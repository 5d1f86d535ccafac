import { basename } from "node:path";
import { type CvReport, metricName, type TuningReport } from "../../report/index.js";
import { gainOf, type ScoredTrial, selectionOf } from "./analysis.js";
import { asked, type Best, isComplete } from "./best.js";
import { better } from "./objective.js";
import { prunerOf } from "./pruner.js";
import type { SearchEnd } from "./search.js";
import type { Setup, TuneWork } from "./setup.js";
import { valueAt } from "./space.js";
import type { StudyFiles } from "./storage.js";
import type { TrialAnswers } from "./trialAnswers.js";
import type { ParamValue, TrialRecord } from "./tuner.js";

/** A report but for what comes after the search. */
type Summary = Omit<TuningReport, "head_line" | "nested" | "refit" | "files" | "seconds">;

/** What a study found, and what its choice is worth. */
export async function summarise({
  work,
  setup,
  files,
  end,
  best,
  cv,
  answers,
  finished,
  importance,
}: {
  work: TuneWork;
  setup: Setup;
  files: StudyFiles;
  end: SearchEnd;
  best: Best;
  cv: CvReport;
  answers: TrialAnswers;
  finished: ReadonlySet<number>;
  importance: Record<string, number>;
}): Promise<Summary> {
  const { run, cell, session } = work;
  const { definition, objective, config, trading, dataset, context, plans } = setup;
  const trials = tableOf(end.trials);
  const complete = end.trials.filter(isComplete).sort((a, b) => a.slot - b.slot);
  const defaults = complete.find(({ slot }) => slot === 0);
  // Folds that were fitted by another version or with other threads are not kept for these: without the defaults nothing can be said.
  if (defaults !== undefined && best.slot !== 0) await answers.of(asked(defaults), work.signal);
  const known = [
    ...complete,
    ...end.trials.filter(({ slot, state }) => state === "pruned" && slot !== null && finished.has(slot)),
  ].flatMap(({ slot, params }) => answers.kept({ slot: slot!, params }) ?? []);
  const scoredOf = (slot: number): ScoredTrial | undefined => known.find((trial) => trial.slot === slot);
  const [first, own] = [scoredOf(best.slot), scoredOf(0)];
  const gain =
    best.slot === 0 || first === undefined || own === undefined
      ? null
      : gainOf(first, own, { metric: objective.metric, trading, seed: config.seed });
  const begun = trials.filter(({ state }) => state !== "fail").length;
  const selection = selectionOf(known, {
    best: best.slot,
    finished,
    pruned: trials.filter(({ state }) => state === "pruned").length - finished.size,
    unknown: begun - known.length,
    objective,
    trading,
  });
  const values = complete.map(({ value }) => value).sort((a, b) => (better(objective, a, b) ? 1 : -1));
  const at = (q: number): number => values[Math.round(q * (values.length - 1))]!;
  const count = (state: string): number => trials.filter((trial) => trial.state === state).length;
  return {
    format: 1,
    model_name: definition.id,
    family: definition.family,
    symbol: cell.symbol,
    horizon: cell.horizon,
    synthetic: dataset.manifest.pipeline?.synthetic ?? false,
    run_id: run.id,
    created: new Date().toISOString(),
    study: { file: files.db, name: cell.job },
    metric: objective.metric,
    direction: objective.direction,
    sampler: setup.sampler.kind,
    pruner: prunerOf(setup.config.tuning, setup.context).kind,
    seed: config.seed,
    scheme: cv.scheme,
    seeds: [...context.seeds],
    embargo: plans.cv.embargo,
    target: config.tuning.trials,
    out_of_time: end.outOfTime,
    new_trials: end.ended,
    counts: { complete: count("complete"), pruned: count("pruned"), failed: count("fail"), running: count("running") },
    distribution: { worst: at(0), lower: at(0.25), median: at(0.5), upper: at(0.75), best: at(1) },
    best: {
      slot: best.slot,
      value: best.value,
      params: best.params,
      is_default: best.slot === 0,
      refit_epochs: cv.refit_epochs,
    },
    default: defaults === undefined ? null : { value: defaults.value, fitted: fittedDefaults(setup) },
    gain,
    ...selection,
    importance,
    curve: curveOf(complete, setup),
    cv: {
      head_line: cv.head_line,
      metrics: cv.cv.metrics,
      prior: cv.cv.prior,
      log_loss_difference: cv.cv.log_loss_difference,
      interval: cv.cv.intervals.log_loss_difference,
    },
    trials,
    data: {
      fingerprint: dataset.manifest.fingerprint,
      features: dataset.manifest.features.length,
      sources: dataset.manifest.sources.map(({ path }) => basename(path)),
    },
    versions: setup.versions,
    warnings: warningsOf({ best, gain, selection, cv }),
    notices: [...session.call.notices, ...setup.notices, ...dataset.manifest.notices],
  };
}

/** Where the default lies outside of the space, the trial's parameters are not what it was fitted with. */
const fittedDefaults = ({ settings, space }: Setup): Record<string, ParamValue> =>
  Object.fromEntries(space.outside.map((name) => [name, valueAt(settings, name)]));

/** Of each slot the trial that counts: one that was killed has another in its place. */
function tableOf(trials: readonly TrialRecord[]): TuningReport["trials"] {
  return trials
    .filter(({ slot, state, attrs }) => slot !== null && state !== "waiting" && attrs.requeued !== true)
    .sort((a, b) => a.slot! - b.slot!)
    .map((trial) => {
      const { seconds, best_epochs, pruned_at, error } = trial.attrs;
      return {
        slot: trial.slot!,
        number: trial.number,
        state: trial.state as TuningReport["trials"][number]["state"],
        value: trial.state === "complete" ? trial.value : null,
        params: trial.params,
        best_epochs: Array.isArray(best_epochs) ? best_epochs.map(Number) : null,
        pruned_at: trial.state === "pruned" && typeof pruned_at === "number" ? pruned_at : null,
        seconds: typeof seconds === "number" ? seconds : null,
        error: typeof error === "string" ? error : null,
      };
    });
}

function curveOf(complete: readonly Best[], { objective }: Setup): TuningReport["curve"] {
  const curve: TuningReport["curve"] = [];
  for (const { slot, value } of complete) {
    const last = curve.at(-1);
    if (last === undefined || better(objective, value, last.best)) curve.push({ slot, best: value });
  }
  return curve;
}

function warningsOf({
  best,
  gain,
  selection: { overfitting },
  cv,
}: {
  best: Best;
  gain: TuningReport["gain"];
  selection: ReturnType<typeof selectionOf>;
  cv: CvReport;
}): string[] {
  return [
    ...(best.slot !== 0 && gain !== null && !gain.shown
      ? ["The gain over the defaults is within noise: the tuned settings may be no better than none."]
      : []),
    ...(cv.cv.log_loss_difference > 0
      ? ["The best trial loses more than the class shares alone (the prior), out of fold."]
      : []),
    ...(overfitting !== null && overfitting.probability >= 0.5
      ? [
          `Probability of backtest overfitting ${overfitting.probability.toFixed(2)}: the best of these trials is no better than chance would make it.`,
        ]
      : []),
    ...cv.warnings,
  ];
}

/** The question that a reader came with, and the answer. */
export function headLine(
  report: Pick<TuningReport, "best" | "default" | "gain" | "metric" | "trials" | "counts" | "model_name">,
): string {
  const { best, default: own, gain, trials, counts, model_name } = report;
  const metric = metricName(report.metric);
  const begin = `Does tuning ${model_name} pay?`;
  const all = `${trials.length} trials (${counts.complete} completed)`;
  if (own === null)
    return `${begin} NOT KNOWN: the default settings failed; the best of ${all} has ${metric} ${best.value.toFixed(4)}.`;
  if (best.is_default || gain === null)
    return `${begin} NO: none of ${all} beat the defaults (${metric} ${own.value.toFixed(4)}).`;
  const interval = `[${signed(gain.interval[0])}, ${signed(gain.interval[1])}]`;
  const of =
    gain.basis === "sessions"
      ? "a session's return differs by"
      : gain.basis === (report.metric === "logloss" ? "log_loss" : report.metric)
        ? "difference"
        : "log-loss differs by";
  const verdict = gain.shown ? "YES, as far as these rows can say" : "NOT SHOWN";
  return `${begin} ${verdict}: ${metric} ${best.value.toFixed(4)} against ${own.value.toFixed(4)}, ${of} ${signed(gain.difference)} ${interval}; best of ${all}.`;
}

const signed = (value: number): string => value.toFixed(4).replace("-", "−");
