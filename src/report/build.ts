import { z } from "zod";
import {
  type CalibratorKind,
  type ClassificationMetrics,
  type ClassShares,
  classificationMetrics,
  classwiseEce,
  evaluatePart,
  type Interval,
  isLeastShare,
  LEAST_SHARE,
  type PartEvaluation,
  type Probabilities,
  reliabilityTable,
  type ScoredRows,
} from "../evaluation/index.js";
import { CLASSES, FoldwiseError } from "../types/index.js";
import { buildDecision } from "./decision.js";
import type { CalibrationFacts, EnsembleReportFacts, ReportInput, ReportPart, SequenceFacts } from "./input.js";
import { type MetricsJson, type PartReport, type Report, reportSchema } from "./schema.js";

/** Fewer rounds than this say that the model learned next to nothing, or much too fast (design, section 5). */
const FEW_ROUNDS = 10;

/** Scores the parts and puts together the report of one job; the result fits `reportSchema`. */
export function buildReport(input: ReportInput): Report {
  const evaluate = (rows: ScoredRows): PartEvaluation =>
    evaluatePart(rows, {
      prior: input.prior,
      trainedClasses: input.trainedClasses,
      seed: input.seed,
      ...(input.resamples === undefined ? {} : { resamples: input.resamples }),
    });
  const optional = (rows: ScoredRows | null): PartReport | null =>
    rows === null || rows.y.length === 0 ? null : partReport(evaluate(rows));
  const { train, stop, calibrate, test } = input.parts;
  const stopReport = optional(stop.scored);
  const calibrateReport = partReport(evaluate(calibrate.scored));
  const testReport = optional(test.scored);
  const head = testReport ?? calibrateReport;
  const report: Report = {
    format: 1,
    head_line: testReport === null ? `${head.head_line} (calibrate rows; test not opened)` : head.head_line,
    verdict: head.verdict,
    head_part: testReport === null ? "calibrate" : "test",
    model_name: input.model,
    family: input.family,
    symbol: input.symbol,
    horizon: input.horizon,
    synthetic: input.synthetic,
    run_id: input.runId,
    created: input.created.toISOString(),
    training_metrics: {
      train_loss: input.trainingMetrics.trainLoss,
      val_loss: finite(input.trainingMetrics.valLoss),
      train_accuracy: input.trainingMetrics.trainAccuracy,
      val_accuracy: finite(input.trainingMetrics.valAccuracy),
      best_epoch: input.trainingMetrics.bestEpoch,
      total_epochs: input.trainingMetrics.totalEpochs,
      early_stopped: input.trainingMetrics.earlyStopped,
      training_time: input.trainingMetrics.trainingTime,
    },
    test_metrics: testReport?.metrics ?? null,
    feature_importance: sorted(input.importance?.values ?? {}),
    importance_kind: input.importance?.kind ?? null,
    validation: { stop: stopReport, calibrate: calibrateReport },
    test: testReport,
    test_openings: input.testOpenings,
    prior: byClass(input.prior),
    trained_classes: [...input.trainedClasses],
    rows: { train: rowsOf(train), stop: rowsOf(stop), calibrate: rowsOf(calibrate), test: rowsOf(test) },
    embargo: input.embargo,
    data: { ...input.data, sources: [...input.data.sources] },
    configuration: {
      preset: input.configuration.preset,
      model_params: input.configuration.modelParams,
      training: input.configuration.training,
    },
    tuned: input.tuned ?? null,
    seed: input.seed,
    device: input.device,
    versions: input.versions,
    seconds: input.seconds,
    peak_memory_bytes: input.peakMemoryBytes,
    quantised: input.quantised,
    sequence: sequenceOf(input.sequence),
    parity:
      input.parity === null
        ? null
        : {
            max_abs_diff: input.parity.maxAbsDiff,
            rows: input.parity.rows,
            tolerance: input.parity.tolerance,
          },
    calibration: calibrationOf(input.calibration),
    decision: buildDecision(input.decision, input),
    ensemble: ensembleOf(input.ensemble),
    warnings: [...input.warnings, ...ownWarnings(input, head)],
    notices: [...input.notices],
  };
  return reportSchema.parse(report);
}

function calibrationOf(facts: CalibrationFacts | null): Report["calibration"] {
  if (facts === null) return null;
  const { kind, ...parameters } = facts.calibrator;
  return {
    kind,
    parameters,
    reason: facts.reason,
    tried: facts.scores.map((score) => ({
      kind: score.kind,
      log_loss: score.logLoss,
      gain: score.gain,
      standard_error: score.standardError,
    })),
    before: calibrationScores(facts.y, facts.raw),
    after: calibrationScores(facts.y, kind === "none" ? facts.raw : facts.crossFitted),
  };
}

function ensembleOf(facts: EnsembleReportFacts | null): Report["ensemble"] {
  if (facts === null) return null;
  const { weights, coefficients } = facts.combination;
  const layered = facts.layer.length > 0;
  return {
    combination: facts.combination.kind,
    reason: facts.reason,
    learned_on: facts.learnedOn,
    rows: facts.rows,
    effective_labels: facts.effectiveLabels,
    bases: facts.bases.map(({ name, source, logLoss, adds }, b) => ({
      model: name,
      source,
      weight: layered ? null : (weights?.[b] ?? null),
      coefficients: layered ? null : (coefficients?.[b] ?? null),
      log_loss: logLoss,
      adds,
    })),
    layer: facts.layer.map((model, b) => ({ model, coefficients: coefficients?.[b] ?? null })),
    passthrough: [...facts.passthrough],
    bias: facts.combination.bias ?? null,
    error_correlation: facts.errorCorrelation,
    dropped: facts.dropped.map(({ name, why }) => ({ model: name, why })),
    windowless: facts.windowless,
  };
}

function calibrationScores(y: Int8Array, p: Probabilities): NonNullable<Report["calibration"]>["before"] {
  const { logLoss, ece } = classificationMetrics(y, p);
  const reliability = reliabilityTable(y, p).flatMap(({ lower, upper, count, confidence, accuracy }) =>
    confidence === null || accuracy === null ? [] : [{ from: lower, to: upper, rows: count, confidence, accuracy }],
  );
  return { log_loss: logLoss, ece, classwise_ece: classwiseEce(y, p), reliability };
}

function sequenceOf(facts: SequenceFacts | null): Report["sequence"] {
  if (facts === null) return null;
  return {
    seq_len: facts.seqLen,
    receptive_field: facts.receptiveField,
    mode: facts.mode,
    precision: facts.precision,
    batch_size: facts.batchSize,
    parameters: facts.parameters,
    resumed_from: facts.resumedFrom,
    train_rows_scored: facts.trainRowsScored,
  };
}

/** The text of a report's file. */
export function encodeReport(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Reads the text of a report's file; throws `data.bad_report`. `path` is for the message. */
export function parseReport(content: string, path: string): Report {
  let why: string;
  try {
    const parsed = reportSchema.safeParse(JSON.parse(content));
    if (parsed.success) return parsed.data;
    why = z.prettifyError(parsed.error).replaceAll("\n", " ");
  } catch (cause) {
    why = cause instanceof Error ? cause.message : String(cause);
  }
  throw new FoldwiseError("data.bad_report", `${path} is not a report: ${why}`, {
    remedy: "Name a *_report.json of a run's reports folder, made by this version.",
  });
}

function partReport(part: PartEvaluation): PartReport {
  const { comparison, intervals, trainedClassesOnly } = part;
  return {
    rows: part.rows,
    head_line: part.headLine,
    verdict: part.verdict,
    metrics: metricsJson(part.metrics),
    uniqueness_weighted: metricsJson(part.weighted),
    class_scores: [scoresJson(part.metrics, 0), scoresJson(part.metrics, 1), scoresJson(part.metrics, 2)],
    log_loss_trained_classes: trainedClassesOnly.logLoss,
    rows_of_untrained_classes: trainedClassesOnly.rowsLeftOut,
    prior: {
      metrics: metricsJson(part.baseline.metrics),
      uniqueness_weighted: metricsJson(part.baseline.weighted),
    },
    log_loss_difference: comparison.difference,
    intervals: {
      accuracy: pair(intervals.accuracy),
      log_loss: pair(intervals.logLoss),
      log_loss_difference: pair(comparison.interval),
    },
    bootstrap: part.bootstrap,
    effective_n: comparison.effectiveN,
  };
}

/** Metrics with the keys of `test_metrics`, as JSON has them. */
export function metricsJson(metrics: ClassificationMetrics): MetricsJson {
  return {
    accuracy: metrics.accuracy,
    precision: metrics.precision,
    recall: metrics.recall,
    f1: metrics.f1,
    log_loss: metrics.logLoss,
    brier: metrics.brier,
    mcc: metrics.mcc,
    ece: metrics.ece,
    confusion_matrix: metrics.confusionMatrix,
  };
}

function scoresJson(metrics: ClassificationMetrics, k: 0 | 1 | 2): PartReport["class_scores"][0] {
  return { class: CLASSES[k], ...metrics.classScores[k] };
}

function rowsOf(part: ReportPart): Report["rows"]["train"] {
  return {
    rows: part.rows,
    classes: part.classes === null ? null : byClass(part.classes),
    ...part.lost,
    from: iso(part.from),
    to: iso(part.to),
  };
}

function ownWarnings(input: ReportInput, head: PartReport): string[] {
  const { bestEpoch, totalEpochs } = input.trainingMetrics;
  const warnings: string[] = [];
  if (bestEpoch > 0 && bestEpoch < FEW_ROUNDS && totalEpochs > bestEpoch) {
    warnings.push(`The best round is ${bestEpoch}: the model stopped almost at once; try a smaller learning rate.`);
  }
  const lacking = CLASSES.filter((label) => !input.trainedClasses.includes(label));
  if (lacking.length > 0) {
    warnings.push(
      `The training rows have no row of class ${lacking.join(", ")}: it gets probability 0, and each of the ` +
        `${head.rows_of_untrained_classes} such rows scored counts as an error.`,
    );
  }
  if (head.bootstrap.unreliable) {
    warnings.push(
      `The intervals rest on ${head.bootstrap.blocks} block${head.bootstrap.blocks === 1 ? "" : "s"}, fewer than 10: they are too narrow to rely on.`,
    );
  }
  if (input.calibration !== null && isLeastShare(input.calibration.calibrator)) {
    warnings.push(
      `The calibrate rows show no signal: the probabilities are all but ${FLATTENED_TO[input.calibration.calibrator.kind]}. ` +
        `${100 * LEAST_SHARE} % of the model is left in them, for the order of its rows.`,
    );
  }
  return warnings;
}

/** What each kind of calibrator comes to where it keeps as little of the model as it may. */
const FLATTENED_TO: Record<CalibratorKind, string> = {
  none: "the model's own",
  prior: "the prior",
  pool: "the prior",
  temperature: "equal shares",
  vector: "the same for every row",
};

/** The largest first; equal ones by name. */
function sorted(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

function byClass(values: ClassShares): { "-1": number; "0": number; "1": number } {
  return { "-1": values[0], "0": values[1], "1": values[2] };
}

const pair = ({ lower, upper }: Interval): [number, number] => [lower, upper];
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const iso = (micros: number | null): string | null => (micros === null ? null : new Date(micros / 1000).toISOString());
