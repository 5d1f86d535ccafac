import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { ownMark, pathUnder, writeFileAtomic } from "../../files/index.js";
import { type CvReport, encodeCvReport, encodeTuningReport, type TuningReport } from "../../report/index.js";
import { FoldwiseError, seededRandom, throwIfAborted } from "../../types/index.js";
import { cvReportOf } from "../cv/cell.js";
import { type AnsweredFold, writeOof } from "../cv/oof.js";
import { testedRows } from "../cv/repeats.js";
import type { CellOutcome } from "../grid.js";
import { gainOf, type ScoredTrial, selectionOf } from "./analysis.js";
import { nestedSearch } from "./nested.js";
import { better } from "./objective.js";
import { openStudy } from "./open.js";
import { refit } from "./refit.js";
import { type SearchEnd, type SearchWork, search, sectionsOfTrial } from "./search.js";
import { type Setup, setUp, type TuneWork } from "./setup.js";
import { type StudyFiles, studyFiles } from "./storage.js";
import { keptTrial, planTrial, runTrial, type TrialContext } from "./trial.js";
import { renderTuned } from "./tunedConfig.js";
import type { Study, TrialRecord, Tuner } from "./tuner.js";

/** Most pruned trials that `--pbo` finishes. */
const PBO_PRUNED = 20;

/**
 * One job of `tune`: searches, says what the choice is worth, and fits the winner as `train` would, judged once on the test rows.
 *
 *   study ─► trials ─► winner ─► PBO, gain, importance ─► [nested] ─► fit on train ─► test, once
 *
 * @param deadline No trial begins after it; milliseconds as `Date.now`.
 */
export async function tuneCell(tuner: Tuner, work: TuneWork, deadline: number | null): Promise<CellOutcome> {
  const { run, cell } = work;
  const paths = {
    report: `reports/${cell.job}_tune.json`,
    cv: `reports/${cell.job}_cv.json`,
    oof: `oof/${cell.job}.parquet`,
    tuned: `tuned/${cell.job}.yaml`,
  };
  for (const path of Object.values(paths)) pathUnder(run.dir, path);
  const files = studyFiles(work.studies, cell.job);
  const setup = await setUp(work, files.trials);
  try {
    return await tuned(tuner, { work, setup, files, paths, deadline });
  } finally {
    await setup.dispose();
  }
}

interface Tuning {
  work: TuneWork;
  setup: Setup;
  files: StudyFiles;
  paths: Record<"report" | "cv" | "oof" | "tuned", string>;
  deadline: number | null;
}

async function tuned(tuner: Tuner, { work, setup, files, paths, deadline }: Tuning): Promise<CellOutcome> {
  const { run, cell, signal, onEvent } = work;
  const { dataset, context, config, plans } = setup;
  const searchOf = (context: TrialContext, study: Study): SearchWork => ({
    context,
    study,
    space: setup.space,
    settings: setup.settings,
    objective: setup.objective,
    sampler: setup.sampler,
    target: config.tuning.trials,
    deadline,
    owner: { ...ownMark() },
    job: cell.job,
    signal,
    onEvent,
  });
  const study = await openStudy(tuner, { work, setup, files, name: cell.job });
  const own = searchOf(context, study);
  const seconds = { search: 0, pbo: 0, nested: 0 };
  const timed = async <T>(name: keyof typeof seconds, doing: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const done = await doing();
    seconds[name] = (performance.now() - start) / 1000;
    return done;
  };
  stage(
    work,
    "trials",
    `up to ${config.tuning.trials} trials of ${plans.cv.folds.length * context.seeds.length} fits each`,
  );
  const end = await timed("search", () => search(own));
  const best = bestOf(end.trials, setup);
  const answers = new Answers(setup, own);
  const winner = await answers.of(best, signal);
  throwIfAborted(signal);
  const finished = config.tuning.pbo
    ? await timed("pbo", () => finishPruned(work, answers, end.trials))
    : new Set<number>();
  const reportOfFolds = (folds: readonly AnsweredFold[], sections = sectionsOfTrial(own, asked(best))): CvReport =>
    cvReportOf(
      {
        run,
        cell,
        definition: setup.definition,
        settings: { ...sections, preset: setup.settings.preset },
        dataset,
        plan: plans.cv,
        seeds: context.seeds,
        priorTrials: config.validation.prior_trials,
        versions: setup.versions,
        notices: [...work.session.call.notices, ...setup.notices],
      },
      folds,
      setup.trading,
    );
  const nested = config.tuning.nested
    ? await timed("nested", () => nestedSearch(tuner, { work, setup, files, searchOf, reportOf: reportOfFolds }))
    : null;
  stage(work, "analyse", "what the choice is worth");
  await writeOof(join(run.dir, paths.oof), dataset, cell.horizon, winner);
  const cv = reportOfFolds(winner);
  writeFileAtomic(join(run.dir, paths.cv), encodeCvReport(cv));
  const importance = await study.importance(config.seed);
  const analysed = await analyse({ work, setup, files, end, best, cv, answers, finished, importance });
  const report = { ...analysed, nested, seconds };
  const mark = {
    run_id: run.id,
    study: basename(files.db),
    symbol: cell.symbol,
    horizon: cell.horizon,
    trials: report.trials.length,
    metric: setup.objective.metric,
    fingerprint: dataset.manifest.fingerprint,
    rows: "train and validation" as const,
  };
  const settings = { ...setup.settings, ...sectionsOfTrial(own, asked(best)), tuned: mark };
  const yaml = renderTuned({ settings, before: setup.settings, space: setup.space, report, mark });
  mkdirSync(join(run.dir, "tuned"), { recursive: true });
  writeFileAtomic(join(run.dir, paths.tuned), yaml);
  const refitted = await refit(work, { setup, settings, epochs: cv.refit_epochs });
  const whole: TuningReport = {
    ...report,
    head_line: headLine(report),
    refit: {
      rows: config.tuning.refit,
      epochs: config.tuning.refit === "train_val" ? cv.refit_epochs : null,
      report: refitted.report,
      test: refitted.reportData.test_metrics,
    },
    files: { config: paths.tuned, cv: paths.cv, oof: paths.oof },
  };
  writeFileAtomic(join(run.dir, paths.report), encodeTuningReport(whole));
  await refitted.model.close();
  const summary = `best ${setup.objective.metric} ${best.value.toFixed(4)} in trial ${best.slot}${whole.default === null ? "" : ` (default ${whole.default.value.toFixed(4)})`}`;
  return { bundle: refitted.bundle, report: paths.report, predictions: refitted.predictions, summary };
}

/** A completed trial. */
interface Best extends TrialRecord {
  slot: number;
  value: number;
}

const asked = ({ slot, params }: Best): { slot: number; params: TrialRecord["params"] } => ({ slot, params });

const isComplete = (trial: TrialRecord): trial is Best =>
  trial.state === "complete" && trial.slot !== null && trial.value !== null;

/** Of several that are equally good the first asked. */
function bestOf(trials: readonly TrialRecord[], { objective }: Setup): Best {
  const complete = trials.filter(isComplete).sort((a, b) => a.slot - b.slot);
  const [first] = complete;
  if (first !== undefined)
    return complete.reduce((best, trial) => (better(objective, trial.value, best.value) ? trial : best), first);
  throw new FoldwiseError("data.no_trial", "No trial of the study was completed.", {
    remedy: "Give it more --trials or --timeout, or --pruner none.",
  });
}

/** Out-of-fold answers of the study's trials: as they were kept, or fitted again. */
class Answers {
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

/** Finishes some pruned trials, drawn by the seed, so that not only survivors are judged. Their slots. */
async function finishPruned(work: TuneWork, answers: Answers, trials: readonly TrialRecord[]): Promise<Set<number>> {
  const { cell, onEvent, signal, session } = work;
  const pruned = trials.filter(({ state, slot }) => state === "pruned" && slot !== null);
  const random = seededRandom(session.call.training.config.seed);
  const waiting = [...pruned];
  const drawn: TrialRecord[] = [];
  while (drawn.length < PBO_PRUNED && waiting.length > 0) drawn.push(...waiting.splice(random.int(waiting.length), 1));
  drawn.sort((a, b) => a.slot! - b.slot!);
  const finished = new Set<number>();
  stage(work, "pbo", `finishing ${drawn.length} of ${pruned.length} pruned trials`);
  for (const [i, { slot, params }] of drawn.entries()) {
    onEvent({ event: "progress", job: cell.job, stage: "pbo", step: i, total: drawn.length });
    throwIfAborted(signal);
    try {
      await answers.of({ slot: slot!, params }, signal);
      finished.add(slot!);
    } catch (cause) {
      if (signal?.aborted || !(cause instanceof FoldwiseError)) throw cause;
      onEvent({ event: "notice", job: cell.job, message: `Pruned trial ${slot} cannot be finished: ${cause.message}` });
    }
  }
  onEvent({ event: "progress", job: cell.job, stage: "pbo", step: drawn.length, total: drawn.length });
  return finished;
}

type Analysed = Omit<TuningReport, "head_line" | "nested" | "refit" | "files" | "seconds">;

async function analyse({
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
  answers: Answers;
  finished: ReadonlySet<number>;
  importance: Record<string, number>;
}): Promise<Analysed> {
  const { run, cell, session } = work;
  const { definition, objective, config, space, trading, dataset, context, plans } = setup;
  const trials = tableOf(end.trials);
  const complete = end.trials.filter(isComplete).sort((a, b) => a.slot - b.slot);
  const known = [
    ...complete,
    ...end.trials.filter(({ slot, state }) => state === "pruned" && slot !== null && finished.has(slot)),
  ].flatMap(({ slot, params }) => answers.kept({ slot: slot!, params }) ?? []);
  const scoredOf = (slot: number): ScoredTrial | undefined => known.find((trial) => trial.slot === slot);
  const defaults = complete.find(({ slot }) => slot === 0);
  const [first, own] = [scoredOf(best.slot), scoredOf(0)];
  const gain =
    best.slot === 0 || first === undefined || own === undefined
      ? null
      : gainOf(first, own, { metric: objective.metric, trading, seed: config.seed });
  const begun = trials.filter(({ state }) => state !== "fail").length;
  const selection = selectionOf(known, {
    best: best.slot,
    finished,
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
    pruner: setup.pruner.kind,
    seed: config.seed,
    scheme: cv.scheme,
    seeds: [...context.seeds],
    embargo: plans.cv.embargo,
    target: config.tuning.trials,
    out_of_time: end.outOfTime,
    counts: { complete: count("complete"), pruned: count("pruned"), failed: count("fail"), running: count("running") },
    distribution: { worst: at(0), lower: at(0.25), median: at(0.5), upper: at(0.75), best: at(1) },
    best: {
      slot: best.slot,
      value: best.value,
      params: best.params,
      is_default: best.slot === 0,
      refit_epochs: cv.refit_epochs,
    },
    default: defaults === undefined ? null : { value: defaults.value, outside: space.outside },
    gain,
    ...selection,
    importance,
    curve: curveOf(complete, setup),
    cv: {
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

/** Of each slot the trial that counts: one that was killed has another in its place. */
function tableOf(trials: readonly TrialRecord[]): TuningReport["trials"] {
  return trials
    .filter(({ slot, state, attrs }) => slot !== null && state !== "waiting" && attrs.requeued !== true)
    .sort((a, b) => a.slot! - b.slot!)
    .map((trial) => {
      const { seconds, best_epochs, error } = trial.attrs;
      return {
        slot: trial.slot!,
        number: trial.number,
        state: trial.state as TuningReport["trials"][number]["state"],
        value: trial.state === "complete" ? trial.value : null,
        params: trial.params,
        best_epochs: Array.isArray(best_epochs) ? best_epochs.map(Number) : null,
        pruned_at: trial.state === "pruned" ? (trial.intermediate.at(-1)?.[0] ?? null) : null,
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
    ...(overfitting !== null && overfitting.probability >= 0.5
      ? [
          `Probability of backtest overfitting ${overfitting.probability.toFixed(2)}: the best of these trials is no better than chance would make it.`,
        ]
      : []),
    ...cv.warnings,
  ];
}

function headLine(report: Omit<TuningReport, "head_line" | "refit" | "files">): string {
  const { best, default: own, gain, metric, trials, model_name } = report;
  const begin = `Does tuning ${model_name} pay?`;
  if (own === null || best.is_default || gain === null)
    return `${begin} NO: none of ${trials.length} trials beat the defaults.`;
  const change = `${metric} ${best.value.toFixed(4)} against ${own.value.toFixed(4)}, difference ${signed(gain.difference)} [${signed(gain.interval[0])}, ${signed(gain.interval[1])}]`;
  return `${begin} ${gain.shown ? "YES, as far as these rows can say" : "NOT SHOWN"}: ${change}, best of ${trials.length} trials.`;
}

const signed = (value: number): string => value.toFixed(4).replace("-", "−");

function stage({ cell, signal, onEvent }: TuneWork, name: string, message: string): void {
  throwIfAborted(signal);
  onEvent({ event: "stage", job: cell.job, stage: name, message });
}
