/** What is said of a choice among trials. */
import { describe, expect, it } from "vitest";
import { backtest, deflatedSharpe, momentsOf, rowHits, rowLogLosses } from "../../../src/evaluation/index.js";
import { gainOf, type ScoredTrial, selectionOf } from "../../../src/training/tuning/analysis.js";
import { objectiveOf, type TuningMetric } from "../../../src/training/tuning/objective.js";
import { seededRandom } from "../../../src/types/index.js";
import { answers, classes, scoredTrial, tradable } from "./answers.js";

const METRICS: TuningMetric[] = ["logloss", "brier", "accuracy", "f1_macro", "mcc", "sharpe"];
const NO_TRADING = { reason: "The dataset has no return_h20." };
const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the gain over the defaults", () => {
  const random = seededRandom(11);
  const y = classes(900, random);
  const trading = tradable(y, 2);
  const good = scoredTrial(3, y, answers(y, random, 1));
  const own = scoredTrial(0, y, answers(y, random, 0.2));
  const gain = (metric: TuningMetric, best: ScoredTrial, defaults: ScoredTrial) =>
    gainOf(best, defaults, { metric, trading, seed: 7 });

  it.each([
    ["logloss", "log_loss", -1],
    ["brier", "brier", -1],
    ["accuracy", "accuracy", 1],
    // Neither is a mean over rows: what the answers lose is compared.
    ["f1_macro", "log_loss", -1],
    ["mcc", "log_loss", -1],
    ["sharpe", "sessions", 1],
  ] as const)(
    "by %s is best minus default in %s, and shown where its whole interval is on the better side",
    (metric, basis, sign) => {
      const found = gain(metric, good, own);
      expect(found.basis).toBe(basis);
      expect(Math.sign(found.difference)).toBe(sign);
      const [low, high] = found.interval;
      expect(low).toBeLessThan(found.difference);
      expect(high).toBeGreaterThan(found.difference);
      expect(found.shown).toBe(true);
      expect(sign === -1 ? high < 0 : low > 0).toBe(true);
      // The other way round nothing is gained, and it is seen.
      const turned = gain(metric, own, good);
      expect(turned.difference).toBeCloseTo(-found.difference, 12);
      expect(turned.shown).toBe(false);
    },
  );

  it("is the difference of the two's own figures", () => {
    const p = (trial: ScoredTrial) => trial.scored.repeats[0]!.p;
    expect(gain("logloss", good, own).difference).toBeCloseTo(
      mean(rowLogLosses(y, p(good))) - mean(rowLogLosses(y, p(own))),
      12,
    );
    expect(gain("accuracy", good, own).difference).toBeCloseTo(
      mean(rowHits(y, p(good))) - mean(rowHits(y, p(own))),
      12,
    );
    const sessions = (trial: ScoredTrial) => mean(backtest(trading, p(trial)).sessionResults);
    expect(gain("sharpe", good, own).difference).toBeCloseTo(sessions(good) - sessions(own), 12);
  });

  it("of noise over noise is not shown", () => {
    const noise = scoredTrial(1, y, answers(y, random), answers(y, random));
    const other = scoredTrial(0, y, answers(y, random), answers(y, random));
    for (const metric of METRICS) expect(gain(metric, noise, other).shown, metric).toBe(false);
  });
});

/** Trials of which that of slot 2 has `skill`, and the best of them by the metric. */
function study(seed: number, { trials = 6, skill = 0, rows = 480 } = {}) {
  const random = seededRandom(seed);
  const y = classes(rows, random);
  const all = Array.from({ length: trials }, (_, slot) =>
    scoredTrial(slot, y, answers(y, random, slot === 2 ? skill : 0)),
  );
  return { all, trading: tradable(y, seed) };
}
const select = (
  all: readonly ScoredTrial[],
  metric: TuningMetric,
  trading: Parameters<typeof selectionOf>[1]["trading"],
  { best = 0, pruned = 0, unknown = 0, finished = new Set<number>() } = {},
) => selectionOf(all, { best, finished, pruned, unknown, objective: objectiveOf(metric, trading), trading });

describe("the probability of backtest overfitting", () => {
  it.each(["logloss", "sharpe"] as const)("is near ½ where the trials are noise: %s", (metric) => {
    const found = Array.from({ length: 40 }, (_, i) => {
      const { all, trading } = study(i + 1);
      return select(all, metric, trading).overfitting!.probability;
    });
    expect(Math.abs(found.reduce((sum, pbo) => sum + pbo, 0) / found.length - 0.5)).toBeLessThan(0.1);
  });

  it.each(METRICS)("is near 0 where one trial is truly better: %s", (metric) => {
    const { all, trading } = study(3, { skill: 1.5 });
    const { overfitting, no_overfitting_because } = select(all, metric, trading, { best: 2 });
    expect(overfitting!.probability).toBeLessThan(0.02);
    expect(overfitting!.compared).toBe(6);
    expect(no_overfitting_because).toBeNull();
  });

  it("is of survivors only while results of some are not known, and says how many were finished for it", () => {
    const { all } = study(4);
    const marked = (pruned: number, unknown: number) =>
      select(all, "logloss", NO_TRADING, { pruned, unknown, finished: new Set([4, 5]) }).overfitting;
    expect(marked(0, 0)).toMatchObject({ survivors_only: false, pruned_finished: 2, compared: 6 });
    expect(marked(3, 3)).toMatchObject({ survivors_only: true, pruned_finished: 2, compared: 6 });
    // Completed ones whose answers are not kept were as good as any.
    expect(marked(0, 2)).toMatchObject({ survivors_only: false, pruned_finished: 2, compared: 6 });
    expect(marked(3, 3)?.probability).toBe(marked(0, 0)?.probability);
  });

  it("is not known of one trial, nor of too few rows, and it is said why", () => {
    const one = select(study(5).all.slice(0, 1), "logloss", NO_TRADING);
    expect([one.overfitting, one.no_overfitting_because]).toEqual([
      null,
      "the answers of fewer than two trials are known",
    ]);
    const few = select(study(5, { rows: 20 }).all, "logloss", NO_TRADING);
    expect([few.overfitting, few.no_overfitting_because]).toEqual([null, "too few blocks of rows or sessions"]);
  });
});

describe("trials of which nothing is known", () => {
  it("each count as one of their own", () => {
    const { all } = study(6);
    const effective = (unknown: number): number => select(all, "logloss", NO_TRADING, { unknown }).trials_effective;
    expect(effective(0)).toBeGreaterThan(4);
    expect(effective(0)).toBeLessThanOrEqual(6);
    expect(effective(10) - effective(0)).toBeCloseTo(10, 12);
  });

  it("that are alike count as one", () => {
    const [trial] = study(7).all;
    const alike = Array.from({ length: 5 }, (_, slot) => ({ ...trial!, slot }));
    expect(select(alike, "logloss", NO_TRADING).trials_effective).toBeCloseTo(1, 9);
  });
});

describe("the deflated Sharpe ratio", () => {
  it("is that of the chosen trial, not of the one with the best ratio", () => {
    const { all, trading } = study(8, { skill: 1 });
    const sessions = all.map(({ scored }) => backtest(trading, scored.repeats[0]!.p).sessionResults);
    const ratios = sessions.map(momentsOf).map(({ mean, deviation }) => mean / deviation!);
    expect(ratios.indexOf(Math.max(...ratios))).toBe(2);
    for (const best of [2, 4]) {
      const { deflated_sharpe, trials_effective } = select(all, "logloss", trading, { best });
      expect(deflated_sharpe!.sharpe).toBeCloseTo(ratios[best]!, 12);
      expect(deflated_sharpe).toMatchObject({ sessions_per_year: 250 });
      const own = deflatedSharpe(sessions, trials_effective, best)!;
      expect(deflated_sharpe!.expected).toBe(own.expected);
      expect(deflated_sharpe!.probability).toBe(own.probability);
    }
  });

  it("is not there where nothing can be traded, or the chosen one never does, and it is said why", () => {
    const { all, trading } = study(9);
    expect(select(all, "logloss", NO_TRADING)).toMatchObject({
      deflated_sharpe: null,
      no_deflated_sharpe_because: "The dataset has no return_h20",
    });
    const { y } = all[0]!.scored;
    const flat = Float32Array.from({ length: 3 * y.length }, (_, i) => (i % 3 === 1 ? 0.8 : 0.1));
    const idle = [scoredTrial(0, y, flat), ...all.slice(1)];
    expect(select(idle, "logloss", trading)).toMatchObject({
      deflated_sharpe: null,
      no_deflated_sharpe_because: "the best trial's answers are not traded",
    });
    expect(select(idle, "logloss", trading, { best: 1 }).deflated_sharpe).not.toBeNull();
  });
});
