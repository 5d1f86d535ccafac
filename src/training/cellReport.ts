import { basename } from "node:path";
import { classCounts, priorOf } from "../evaluation/index.js";
import {
  buildReport,
  type CalibrationFacts,
  type Report,
  type ReportPart,
  type SequenceFacts,
} from "../report/index.js";
import type { StoredDataset, TrainingMetrics } from "../types/index.js";
import type { HoldoutPart, HoldoutPlan } from "../validation/index.js";
import type { PartAnswers } from "./answers.js";
import type { Calibration } from "./calibration.js";
import type { CellWork } from "./cell.js";
import { decisionFacts, type FittedDecision, sourceOf } from "./decision.js";
import type { FitDetails } from "./model.js";
import { labelsOf, scoredRows } from "./rows.js";

/** What a job has to show at its end. */
export interface Outcome {
  metrics: TrainingMetrics;
  details: FitDetails;
  /** Null where none was asked for, or the model's bundle can hold none. */
  calibration: Calibration | null;
  decision: FittedDecision;
  answers: readonly PartAnswers[];
  importance: { kind: string; values: Record<string, number> };
  seconds: Record<string, number>;
}

/** Puts a job's report together from the answers of the served model. */
export function reportOf(
  work: CellWork,
  { metrics, details, calibration, decision, answers, importance, seconds }: Outcome,
): Report {
  const { run, cell, dataset, plan, definition, settings, seed } = work;
  const { manifest } = dataset;
  const scored = (part: PartAnswers["part"]) => {
    const answer = answers.find((candidate) => candidate.part === part);
    return answer === undefined ? null : scoredRows(dataset, cell.horizon, answer.rows, answer.output.probabilities);
  };
  const calibrate = scored("val_calibrate");
  if (calibrate === null) throw new Error("the calibrate rows are always answered");
  const part = (name: HoldoutPart, open = true): ReportPart => partOf(dataset, cell.horizon, plan, name, open);
  return buildReport({
    model: definition.id,
    family: definition.family,
    symbol: cell.symbol,
    horizon: cell.horizon,
    synthetic: manifest.pipeline?.synthetic ?? false,
    runId: run.id,
    created: new Date(),
    trainingMetrics: metrics,
    prior: priorOf(labelsOf(dataset, cell.horizon, plan.train)),
    trainedClasses: details.trainedClasses,
    parts: {
      train: trainPart(part("train"), work, details),
      stop: { ...part("stop"), scored: scored("val_stop") },
      calibrate: { ...part("calibrate"), scored: calibrate },
      test: { ...part("test", work.openings !== null), scored: scored("test") },
    },
    embargo: plan.embargo,
    testOpenings: work.openings?.count(cell.job) ?? null,
    importance,
    data: {
      fingerprint: manifest.fingerprint,
      layout: manifest.layout,
      features: manifest.features.length,
      sources: manifest.sources.map(({ path }) => basename(path)),
    },
    configuration: { preset: settings.preset, modelParams: settings.model_params, training: settings.training },
    tuned: tunedOf(settings.tuned),
    seed,
    device: details.device,
    versions: work.versions,
    seconds: { ...seconds, ...engineSeconds(details) },
    peakMemoryBytes: details.engine?.peak_memory_bytes ?? null,
    quantised: details.engine?.quantised ?? null,
    sequence: sequenceFacts(details),
    parity: details.parity,
    calibration: calibrationFacts(calibration, work),
    decision: decisionFacts(decision, answers, sourceOf(work)),
    ensemble: details.ensemble ?? null,
    warnings: details.engine?.warnings ?? details.warnings ?? [],
    notices: [...work.notices, ...manifest.notices],
  });
}

function tunedOf(mark: CellWork["settings"]["tuned"]): Report["tuned"] {
  if (mark === null) return null;
  const { run_id, study, trials, metric } = mark;
  return { run_id, study, trials, metric };
}

/** The rows that the model was fitted on: of a sequence model those that end a window. */
function trainPart(part: ReportPart, { dataset, cell, plan }: CellWork, { windows }: FitDetails): ReportPart {
  if (windows === null) return part;
  const rows = windows.train.map((i) => plan.train[i]!);
  const times = dataset.timestamps();
  return {
    rows: rows.length,
    classes: classCounts(labelsOf(dataset, cell.horizon, rows)),
    lost: { ...part.lost, windowless: part.rows - rows.length },
    from: times[rows[0]!] ?? null,
    to: times[rows.at(-1)!] ?? null,
  };
}

function sequenceFacts({ engine, windows }: FitDetails): SequenceFacts | null {
  const facts = engine?.sequence;
  if (windows === null || facts === undefined || facts === null) return null;
  return {
    seqLen: windows.seqLen,
    receptiveField: facts.receptive_field,
    mode: facts.mode,
    precision: facts.precision,
    batchSize: facts.batch_size,
    parameters: facts.parameters,
    resumedFrom: facts.resumed_from,
    trainRowsScored: windows.scored,
  };
}

function calibrationFacts(calibration: Calibration | null, { dataset, cell }: CellWork): CalibrationFacts | null {
  if (calibration === null) return null;
  const { calibrator, reason, scores, rows, raw, crossFitted } = calibration;
  return { calibrator, reason, scores, y: labelsOf(dataset, cell.horizon, rows), raw, crossFitted };
}

function engineSeconds({ engine, ensemble }: FitDetails): Record<string, number> {
  if (engine === null) return ensemble === undefined ? {} : { combine: ensemble.seconds };
  const { data, train, finish } = engine.seconds;
  return { engine_data: data, engine_train: train, engine_finish: finish };
}

/** `open: false` says nothing of the part's labels. */
function partOf(
  dataset: StoredDataset,
  horizon: number,
  plan: HoldoutPlan,
  name: HoldoutPart,
  open: boolean,
): ReportPart {
  const rows = plan[name];
  const times = dataset.timestamps();
  return {
    rows: rows.length,
    classes: open ? classCounts(labelsOf(dataset, horizon, rows)) : null,
    lost: plan.lost[name],
    from: times[rows[0]!] ?? null,
    to: times[rows.at(-1)!] ?? null,
  };
}

/** Says what comes next; an abort gets through between the stages. */
