import { z } from "zod";
import {
  type CrossValidatedEvaluation,
  evaluateRepeats,
  lowerMedian,
  meanAndError,
  type RepeatedRows,
} from "../../evaluation/index.js";
import { FoldwiseError } from "../../types/index.js";
import { metricsJson } from "../build.js";
import type { MetricsJson } from "../schema.js";
import { buildTrading, type TradingInput } from "../trading.js";
import { buildBaselines } from "./baselines.js";
import { type CvReport, cvReportSchema, type FoldReport } from "./schema.js";

/** Everything that a cross-validation's report needs, as the job knows it at its end. */
export interface CvReportInput
  extends Omit<
    CvReport,
    | "format"
    | "head_line"
    | "verdict"
    | "created"
    | "cv"
    | "across_folds"
    | "across_seeds"
    | "paths"
    | "baselines"
    | "trading"
    | "no_trading_because"
    | "refit_epochs"
    | "folds"
    | "seconds"
  > {
  created: Date;
  /** In the order of seeds, then of time. */
  folds: readonly FoldReport[];
  /** All tested rows; the repeats are the seeds, of CPCV each seed's paths, in the order of `seeds`. */
  scored: RepeatedRows;
  /** The same rows, to trade on; or why that cannot be. */
  trading: TradingInput | { reason: string };
  /** Seed of the bootstrap. */
  bootstrapSeed: number;
}

/** Scores the out-of-fold answers and puts the report together; the result fits `cvReportSchema`. */
export function buildCvReport({ folds, scored, trading, bootstrapSeed, created, ...facts }: CvReportInput): CvReport {
  const evaluation = evaluateRepeats(scored, { seed: bootstrapSeed });
  const { comparison, intervals, bootstrap } = evaluation;
  const repeats = evaluation.metrics.map((metrics, r) => ({
    log_loss: metrics.logLoss,
    log_loss_difference: metrics.logLoss - evaluation.baseline[r]!.logLoss,
    accuracy: metrics.accuracy,
    brier: metrics.brier,
  }));
  const perSeed = facts.seeds.length;
  const paths = facts.scheme.name === "cpcv" ? repeats.length / perSeed : 1;
  const places = repeats.map((_, r) => ({
    seed: facts.seeds[Math.floor(r / paths)]!,
    path: facts.scheme.name === "cpcv" ? r % paths : null,
  }));
  const bySeed = facts.seeds.map((_, s) => meanScores(repeats.slice(s * paths, (s + 1) * paths)));
  return cvReportSchema.parse({
    format: 1,
    head_line: `${evaluation.headLine} (${facts.scheme.description})`,
    verdict: evaluation.verdict,
    created: created.toISOString(),
    ...facts,
    cv: {
      rows: evaluation.rows,
      metrics: meanMetrics(evaluation, "metrics"),
      prior: meanMetrics(evaluation, "baseline"),
      log_loss_difference: comparison.difference,
      intervals: {
        accuracy: [intervals.accuracy.lower, intervals.accuracy.upper],
        log_loss: [intervals.logLoss.lower, intervals.logLoss.upper],
        log_loss_difference: [comparison.interval.lower, comparison.interval.upper],
      },
      bootstrap,
      effective_n: comparison.effectiveN,
    },
    across_folds: spread(folds.map(({ test_scores }) => scoresOf(test_scores))),
    across_seeds: perSeed < 2 ? null : spread(bySeed),
    paths:
      facts.scheme.name !== "cpcv"
        ? null
        : repeats.map(({ log_loss, log_loss_difference, accuracy }, r) => ({
            path: r % paths,
            seed: facts.seeds[Math.floor(r / paths)]!,
            log_loss,
            log_loss_difference,
            accuracy,
          })),
    baselines: buildBaselines(evaluation.baselines),
    ...("reason" in trading
      ? { trading: null, no_trading_because: trading.reason }
      : {
          trading: buildTrading(
            trading,
            scored.repeats.map(({ p }, r) => ({ p, ...places[r]! })),
            { seed: bootstrapSeed },
          ),
          no_trading_because: null,
        }),
    refit_epochs: lowerMedian(folds.map(({ best_epoch }) => best_epoch).filter((epoch) => epoch > 0)),
    folds: [...folds],
    seconds: folds.reduce((sum, { seconds }) => sum + seconds, 0),
  } satisfies CvReport);
}

/** The text of a report's file. */
export const encodeCvReport = (report: CvReport): string => `${JSON.stringify(report, null, 2)}\n`;

/** Reads the text of a report's file; throws `data.bad_report`. `path` is for the message. */
export function parseCvReport(content: string, path: string): CvReport {
  let why: string;
  try {
    const parsed = cvReportSchema.safeParse(JSON.parse(content));
    if (parsed.success) return parsed.data;
    why = z.prettifyError(parsed.error).replaceAll("\n", " ");
  } catch (cause) {
    why = cause instanceof Error ? cause.message : String(cause);
  }
  throw new FoldwiseError("data.bad_report", `${path} is no report of a cross-validation: ${why}`, {
    remedy: "Name a *_cv.json of a run's reports folder, made by this version.",
  });
}

interface Scores {
  log_loss: number;
  log_loss_difference: number;
  accuracy: number;
  brier: number;
}

const SCORES = ["log_loss", "log_loss_difference", "accuracy", "brier"] as const;

const scoresOf = (scores: FoldReport["test_scores"]): Scores => ({
  log_loss: scores.log_loss,
  log_loss_difference: scores.log_loss - scores.prior_log_loss,
  accuracy: scores.accuracy,
  brier: scores.brier,
});

function spread(scores: readonly Scores[]): CvReport["across_folds"] {
  const of = (name: keyof Scores) => {
    const { mean, standardError } = meanAndError(scores.map((each) => each[name]));
    return { mean, standard_error: standardError };
  };
  return {
    log_loss: of("log_loss"),
    log_loss_difference: of("log_loss_difference"),
    accuracy: of("accuracy"),
    brier: of("brier"),
  };
}

function meanScores(scores: readonly Scores[]): Scores {
  const mean = (name: keyof Scores): number => meanAndError(scores.map((each) => each[name])).mean;
  const [log_loss, log_loss_difference, accuracy, brier] = SCORES.map(mean) as [number, number, number, number];
  return { log_loss, log_loss_difference, accuracy, brier };
}

function meanMetrics(evaluation: CrossValidatedEvaluation, which: "metrics" | "baseline"): MetricsJson {
  const all = evaluation[which].map(metricsJson);
  const mean = (of: (metrics: MetricsJson) => number): number =>
    all.reduce((sum, metrics) => sum + of(metrics), 0) / all.length;
  const cell = (i: 0 | 1 | 2, j: 0 | 1 | 2): number => mean((metrics) => metrics.confusion_matrix[i][j]);
  return {
    accuracy: mean((m) => m.accuracy),
    precision: mean((m) => m.precision),
    recall: mean((m) => m.recall),
    f1: mean((m) => m.f1),
    log_loss: mean((m) => m.log_loss),
    brier: mean((m) => m.brier),
    mcc: mean((m) => m.mcc),
    ece: mean((m) => m.ece),
    confusion_matrix: [
      [cell(0, 0), cell(0, 1), cell(0, 2)],
      [cell(1, 0), cell(1, 1), cell(1, 2)],
      [cell(2, 0), cell(2, 1), cell(2, 2)],
    ],
  };
}
