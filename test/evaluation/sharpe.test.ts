import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  effectiveTrials,
  expectedMaximumSharpe,
  momentsOf,
  normalCdf,
  normalQuantile,
  probabilisticSharpe,
  probabilityOfOverfitting,
} from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

interface Golden {
  normal: [number, number][];
  quantiles: [number, number][];
  moments: { values: number[]; mean: number; deviation: number; skew: number; kurtosis: number };
  deflated: Record<
    "sharpe" | "periods" | "skew" | "kurtosis" | "trials" | "variance" | "best" | "probability",
    number
  >[];
  results: number[][];
  effective: number;
  pbo: { blocks: number; score: "sharpe" | "mean"; expected: number }[];
}
const golden = JSON.parse(
  readFileSync(new URL("../fixtures/overfitting/golden.json", import.meta.url), "utf8"),
) as Golden;
const results = golden.results.map((series) => Float64Array.from(series));

describe("the normal distribution", () => {
  it.each(golden.normal)("has Φ(%d) as scipy has it", (x, expected) => {
    expect(normalCdf(x)).toBeCloseTo(expected, 14);
  });
  it.each(golden.quantiles)("has Φ⁻¹(%d) as scipy has it", (q, expected) => {
    expect(normalQuantile(q)).toBeCloseTo(expected, 6);
  });
});

describe("Sharpe ratios", () => {
  it("have the moments of scipy", () => {
    const { values, ...expected } = golden.moments;
    expect(momentsOf(Float64Array.from(values))).toEqual(
      Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, expect.closeTo(value, 10)])),
    );
  });

  it("of values that do not vary do not exist", () => {
    const none = { deviation: null, skew: null, kurtosis: null };
    for (const values of [[0, 0, 0], [0.1, 0.1, 0.1], [5]]) {
      expect(momentsOf(Float64Array.from(values))).toMatchObject(none);
    }
  });

  it("are deflated as in the example of Bailey and López de Prado (2014): 0.90", () => {
    const daily = (annual: number): number => annual / Math.sqrt(250);
    const best = expectedMaximumSharpe(100, 0.5 / 250);
    expect(best).toBeCloseTo(0.1132, 4);
    const estimated = { sharpe: daily(2.5), periods: 1250, skew: -3, kurtosis: 10 };
    expect(probabilisticSharpe(estimated, best)).toBeCloseTo(0.9004, 4);
  });

  it.each(golden.deflated)(
    "are deflated as by scipy: $trials trials",
    ({ best, probability, trials, variance, ...estimated }) => {
      expect(expectedMaximumSharpe(trials, variance)).toBeCloseTo(best, 8);
      expect(probabilisticSharpe(estimated, best)).toBeCloseTo(probability, 8);
    },
  );

  it("of a single trial are not deflated, and impossible moments give none", () => {
    expect(expectedMaximumSharpe(1, 0.5)).toBe(0);
    expect(expectedMaximumSharpe(1.1, 0.5)).toBe(0);
    expect(probabilisticSharpe({ sharpe: 1, periods: 100, skew: 5, kurtosis: 3 }, 0)).toBeNull();
    expect(probabilisticSharpe({ sharpe: 1, periods: 1, skew: 0, kurtosis: 3 }, 0)).toBeNull();
  });
});

describe("the number of effective trials", () => {
  const noise = (m: number, periods: number, common: number, seed: number): Float64Array[] => {
    const random = seededRandom(seed);
    const shared = Array.from({ length: periods }, () => random.normal());
    return Array.from({ length: m }, () => Float64Array.from(shared, (value) => common * value + random.normal()));
  };

  it("is what the eigenvalues of the correlation matrix give", () => {
    expect(effectiveTrials(results).effective).toBeCloseTo(golden.effective, 9);
  });

  it("is one where all results are alike, whatever their scale, and all of them where they share nothing", () => {
    const [one] = noise(1, 100, 0, 3);
    const alike = effectiveTrials([one!, one!.map((x) => 2 * x + 1), one!]);
    expect(alike.effective).toBeCloseTo(1, 9);
    expect(alike.meanCorrelation).toBeCloseTo(1, 9);
    expect(effectiveTrials(noise(30, 60, 0, 4)).effective).toBeGreaterThan(27);
    expect(effectiveTrials(noise(30, 60, 5, 4)).effective).toBeLessThan(1.3);
    expect(effectiveTrials([one!])).toEqual({ effective: 1, meanCorrelation: null });
  });
});

describe("the probability of backtest overfitting", () => {
  it.each(golden.pbo)("is what the definition gives: $blocks blocks, $score", ({ blocks, score, expected }) => {
    const found = probabilityOfOverfitting(results, { score, shortest: Math.floor(83 / blocks) });
    expect(found).toMatchObject({ blocks, periods: blocks * Math.floor(83 / blocks) });
    expect(found?.pbo).toBeCloseTo(expected, 12);
  });

  /** Mean over `repeats` markets of 160 periods and `m` configurations, the first of which gains `skill` a period. */
  const simulated = (m: number, skill: number, repeats: number): number => {
    let sum = 0;
    for (let seed = 1; seed <= repeats; seed++) {
      const random = seededRandom(seed);
      const series = Array.from({ length: m }, (_, c) =>
        Float64Array.from({ length: 160 }, () => random.normal() + (c === 0 ? skill : 0)),
      );
      sum += probabilityOfOverfitting(series, { score: "sharpe", shortest: 16 })!.pbo / repeats;
    }
    return sum;
  };

  it.each([2, 3, 10])("is near ½ for %d configurations of pure noise", (m) => {
    expect(Math.abs(simulated(m, 0, 200) - 0.5)).toBeLessThan(0.06);
  });

  it("is near 0 where one of ten is truly better", () => {
    expect(simulated(10, 0.8, 20)).toBeLessThan(0.01);
  });

  it("is ½ of configurations that are the same", () => {
    const same = [results[0]!, results[0]!, results[0]!];
    expect(probabilityOfOverfitting(same, { score: "mean", shortest: 5 })?.pbo).toBe(0.5);
  });

  it("is not known of too few periods", () => {
    expect(probabilityOfOverfitting(results, { score: "sharpe", shortest: 21 })).toBeNull();
  });
});
