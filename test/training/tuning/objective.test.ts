import { describe, expect, it } from "vitest";
import { backtest, classificationMetrics, rowBriers, rowHits, rowLogLosses } from "../../../src/evaluation/index.js";
import { better, isLoss, objectiveOf, type TuningMetric } from "../../../src/training/tuning/objective.js";
import { seededRandom } from "../../../src/types/index.js";
import { thrown } from "../../config/support.js";
import { answers, classes, scoredTrial, tradable } from "./answers.js";

const random = seededRandom(5);
const y = classes(300, random);
const [first, second] = [answers(y, random, 0.8), answers(y, random, 0.2)];
const trading = tradable(y, 3);
const { scored } = scoredTrial(0, y, first, second);

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Of one whole set of answers, as evaluation has it. */
const OF_ONE: Record<TuningMetric, (p: Float32Array) => number> = {
  logloss: (p) => mean(rowLogLosses(y, p)),
  brier: (p) => mean(rowBriers(y, p)),
  accuracy: (p) => mean(rowHits(y, p)),
  f1_macro: (p) => classificationMetrics(y, p).f1,
  mcc: (p) => classificationMetrics(y, p).mcc,
  sharpe: (p) => backtest(trading, p).figures.sharpe!,
};
const METRICS = Object.keys(OF_ONE) as TuningMetric[];

describe.each(METRICS)("the value of a trial by %s", (metric) => {
  const objective = objectiveOf(metric, trading);

  it("is evaluation's own, a mean over seeds and paths", () => {
    expect(objective.metric).toBe(metric);
    expect(objective.value(scored)).toBeCloseTo((OF_ONE[metric](first) + OF_ONE[metric](second)) / 2, 12);
    expect(objective.value(scoredTrial(0, y, second).scored)).toBeCloseTo(OF_ONE[metric](second), 12);
  });

  it("is better for answers that know more", () => {
    const [knows, guesses] = [first, second].map((p) => objective.value(scoredTrial(0, y, p).scored));
    expect(better(objective, knows!, guesses!)).toBe(true);
    expect(better(objective, guesses!, knows!)).toBe(false);
    expect(better(objective, knows!, knows!)).toBe(false);
    expect(objective.direction).toBe(isLoss(metric) ? "minimize" : "maximize");
  });

  it("is given by data without returns, but for the Sharpe ratio, which is refused with the reason", () => {
    const reason = "The dataset has no return_h20.";
    if (metric !== "sharpe") {
      expect(objectiveOf(metric, { reason }).value(scored)).toBe(objective.value(scored));
      return;
    }
    const { code, message, remedy, details } = thrown(() => objectiveOf(metric, { reason }));
    expect(code).toBe("data.no_metric");
    expect(message).toBe("The Sharpe ratio cannot be tuned for: The dataset has no return_h20.");
    expect(details?.allowed).toEqual(METRICS.filter((each) => each !== "sharpe"));
    for (const each of METRICS) if (each !== "sharpe") expect(remedy).toContain(each);
  });
});

it("answers that never trade have a Sharpe ratio of nothing gained", () => {
  const neutral = Float32Array.from({ length: 3 * y.length }, (_, i) => (i % 3 === 1 ? 0.8 : 0.1));
  expect(objectiveOf("sharpe", trading).value(scoredTrial(0, y, neutral).scored)).toBe(0);
});
