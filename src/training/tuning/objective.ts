import type { TrainingConfig } from "../../config/index.js";
import { backtest, classificationMetrics, type RepeatedRows } from "../../evaluation/index.js";
import type { TradingInput } from "../../report/index.js";
import { FoldwiseError } from "../../types/index.js";

export type TuningMetric = TrainingConfig["tuning"]["metric"];

/** What trials are compared by: a figure of all out-of-fold answers of one trial together. */
export interface Objective {
  metric: TuningMetric;
  direction: "minimize" | "maximize";
  /** Of a whole set of out-of-fold answers; a mean over seeds, of CPCV over its paths too. */
  value(scored: Pick<RepeatedRows, "y" | "repeats">): number;
}

/** Metrics whose lesser values are the better. They are means over rows as log-loss is, by which trials are pruned. */
const LOSSES: readonly TuningMetric[] = ["logloss", "brier"];

export const isLoss = (metric: TuningMetric): boolean => LOSSES.includes(metric);

/**
 * @param trading What the answers can be traded on, or why they cannot.
 * @throws FoldwiseError `data.no_metric` for one that the data cannot give.
 */
export function objectiveOf(metric: TuningMetric, trading: TradingInput | { reason: string }): Objective {
  const direction = isLoss(metric) ? "minimize" : "maximize";
  if (metric !== "sharpe") {
    const of = METRICS[metric];
    return {
      metric,
      direction,
      value: ({ y, repeats }) => mean(repeats.map(({ p }) => of(classificationMetrics(y, p)))),
    };
  }
  if ("reason" in trading) {
    throw new FoldwiseError("data.no_metric", `The Sharpe ratio cannot be tuned for: ${trading.reason}`, {
      remedy: "Choose --metric logloss (the default), brier, accuracy, f1_macro or mcc, or prepare the bars again.",
      details: { got: metric, allowed: [...Object.keys(METRICS)] },
    });
  }
  return {
    metric,
    direction,
    // Results that do not vary are those of nothing traded: worth as much as a ratio of zero.
    value: ({ repeats }) => mean(repeats.map(({ p }) => backtest(trading, p).figures.sharpe ?? 0)),
  };
}

type Metrics = ReturnType<typeof classificationMetrics>;

const METRICS: Record<Exclude<TuningMetric, "sharpe">, (metrics: Metrics) => number> = {
  logloss: ({ logLoss }) => logLoss,
  brier: ({ brier }) => brier,
  accuracy: ({ accuracy }) => accuracy,
  f1_macro: ({ f1 }) => f1,
  mcc: ({ mcc }) => mcc,
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Whether the first value is the better one. */
export const better = ({ direction }: Pick<Objective, "direction">, first: number, second: number): boolean =>
  direction === "minimize" ? first < second : first > second;
