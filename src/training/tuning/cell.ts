import { basename, join } from "node:path";
import { makeFolder, ownMark, pathUnder, writeFileAtomic } from "../../files/index.js";
import { type CvReport, encodeCvReport, encodeTuningReport, type TuningReport } from "../../report/index.js";
import { FoldwiseError, seededRandom, throwIfAborted } from "../../types/index.js";
import { cvReportOf } from "../cv/cell.js";
import { type AnsweredFold, writeOof } from "../cv/oof.js";
import type { CellOutcome } from "../grid.js";
import { asked, bestOf } from "./best.js";
import { nestedSearch } from "./nested.js";
import { openStudy } from "./open.js";
import { refit } from "./refit.js";
import { type SearchWork, search, sectionsOfTrial } from "./search.js";
import { type Setup, setUp, type TuneWork } from "./setup.js";
import { type StudyFiles, studyFiles } from "./storage.js";
import { headLine, summarise } from "./summary.js";
import type { TrialContext } from "./trial.js";
import { TrialAnswers } from "./trialAnswers.js";
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
  const answers = new TrialAnswers(setup, own);
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
  const analysed = await summarise({ work, setup, files, end, best, cv, answers, finished, importance });
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
  makeFolder(join(run.dir, "tuned"));
  writeFileAtomic(join(run.dir, paths.tuned), yaml);
  const refitted = await refit(work, { setup, settings, epochs: cv.refit_epochs });
  const whole: TuningReport = {
    ...report,
    head_line: headLine(report),
    refit: {
      rows: config.tuning.refit,
      epochs: config.tuning.refit === "train_val" ? cv.refit_epochs : null,
      report: refitted.report,
      head_line: refitted.reportData.head_line,
      test_prior: refitted.reportData.test?.prior.metrics ?? null,
      test: refitted.reportData.test_metrics,
    },
    files: { config: paths.tuned, cv: paths.cv, oof: paths.oof },
  };
  writeFileAtomic(join(run.dir, paths.report), encodeTuningReport(whole));
  await refitted.model.close();
  const summary = `best ${setup.objective.metric} ${best.value.toFixed(4)} in trial ${best.slot}${whole.default === null ? "" : ` (default ${whole.default.value.toFixed(4)})`}`;
  return { bundle: refitted.bundle, report: paths.report, predictions: refitted.predictions, summary };
}

/** Finishes some pruned trials, drawn by the seed, so that not only survivors are judged. Their slots. */
async function finishPruned(
  work: TuneWork,
  answers: TrialAnswers,
  trials: readonly TrialRecord[],
): Promise<Set<number>> {
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

function stage({ cell, signal, onEvent }: TuneWork, name: string, message: string): void {
  throwIfAborted(signal);
  onEvent({ event: "stage", job: cell.job, stage: name, message });
}
