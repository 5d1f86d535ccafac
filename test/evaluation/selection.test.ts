import { describe, expect, it } from "vitest";
import { blockGains, deflatedSharpe, evaluateSelection } from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

/** Results of `m` configurations over 120 sessions; the first gains `skill` standard deviations a session. */
function market(seed: number, m: number, skill = 0, common = 0): Float64Array[] {
  const random = seededRandom(seed);
  const shared = Array.from({ length: 120 }, () => common * random.normal());
  return Array.from({ length: m }, (_, c) =>
    Float64Array.from(shared, (value) => value + random.normal() + (c === 0 ? skill : 0)),
  );
}
const evaluate = (results: Float64Array[], others = 0) =>
  evaluateSelection({ results, others, score: "sharpe", shortest: 5 });
const MARKETS = Array.from({ length: 100 }, (_, i) => i + 1);

describe("the best of ten configurations of noise", () => {
  const found = MARKETS.map((seed) => evaluate(market(seed, 10)));
  const share = (of: (each: (typeof found)[number]) => boolean): number => found.filter(of).length / found.length;

  it("is below the median elsewhere about as often as not", () => {
    const mean = found.reduce((sum, { overfitting }) => sum + overfitting!.pbo, 0) / found.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.08);
  });

  it("is hardly ever significant once deflated, though its own Sharpe ratio often looks so", () => {
    expect(share(({ deflated }) => deflated!.probability! > 0.95)).toBeLessThan(0.05);
    expect(share(({ deflated }) => deflated!.sharpe * Math.sqrt(119) > 1.645)).toBeGreaterThan(0.2);
  });

  it("counts as the best of ten", () => {
    for (const { trials, effective } of found) {
      expect(trials).toBe(10);
      expect(effective).toBeGreaterThan(8.5);
    }
  });
});

describe("a configuration that is truly better", () => {
  it("is found, and nearly always stays significant among ten", () => {
    const found = MARKETS.slice(0, 20).map((seed) => evaluate(market(seed, 10, 0.6)));
    expect(found.filter(({ deflated }) => deflated!.probability! > 0.95).length).toBeGreaterThanOrEqual(18);
    for (const { overfitting, deflated } of found) {
      expect(deflated!.best).toBe(0);
      expect(overfitting!.pbo).toBeLessThan(0.05);
    }
  });

  it("means less the more were tried elsewhere", () => {
    const results = market(3, 10, 0.25);
    const [few, some, many] = [0, 100, 10_000].map((others) => evaluate(results, others));
    expect([few, some, many].map((each) => each!.trials)).toEqual([10, 110, 10_010]);
    expect(many!.effective - few!.effective).toBe(10_000);
    expect(many!.deflated!.probability).toBeLessThan(some!.deflated!.probability!);
    expect(some!.deflated!.probability).toBeLessThan(few!.deflated!.probability!);
    expect(many!.overfitting).toEqual(few!.overfitting);
  });
});

describe("a configuration that something else has chosen", () => {
  const results = market(6, 8, 0.5);
  const deflated = (chosen?: number) => deflatedSharpe(results, 8, chosen)!;

  it("is deflated by its own ratio, against the same best of worthless ones", () => {
    const best = deflated();
    expect(best.best).toBe(0);
    expect(deflated(0)).toEqual(best);
    for (const chosen of [1, 4, 7]) {
      const own = deflated(chosen);
      const { sharpe } = deflatedSharpe([results[chosen]!], 1)!;
      expect(own.best).toBe(chosen);
      expect(own.sharpe).toBe(sharpe);
      expect(own.sharpe).toBeLessThan(best.sharpe);
      expect(own.expected).toBe(best.expected);
      expect(own.probability!).toBeLessThan(best.probability!);
    }
  });

  it("has none where it never trades, though others do", () => {
    const idle = [...results, new Float64Array(120)];
    expect(deflatedSharpe(idle, 9, 8)).toBeNull();
    expect(deflatedSharpe(idle, 9)!.best).toBe(0);
  });
});

describe("few configurations", () => {
  it("one alone was chosen among none: it has to exceed 0 only", () => {
    const { overfitting, deflated, effective, meanCorrelation } = evaluate(market(4, 1, 0.2));
    expect([overfitting, effective, meanCorrelation, deflated!.expected]).toEqual([null, 1, null, 0]);
  });

  it("that are alike are not a small crowd: their ratios vary by as much as chance makes independent ones vary", () => {
    const [one] = market(5, 1);
    const alike = [one!, one!.map((value) => value + 1e-6)];
    expect(deflatedSharpe(alike, 50)!.expected).toBeCloseTo(deflatedSharpe([one!], 50)!.expected, 9);
    // √(1 / 119) × 2.2546, the expected maximum of 50 standard normal values.
    expect(deflatedSharpe([one!], 50)!.expected).toBeCloseTo(2.2546 / Math.sqrt(119), 2);
  });

  it("that never trade have no Sharpe ratio", () => {
    const never = [new Float64Array(60), new Float64Array(60)];
    expect(evaluate(never)).toMatchObject({ deflated: null, scores: [null, null], overfitting: { pbo: 0.5 } });
  });
});

describe("gains by block", () => {
  it("are means of what the class shares lose and the model does not", () => {
    const labels = Int8Array.of(1, 1, 0, -1, 1, 0, 1);
    const zero = new Float64Array(7);
    const model = { timestamps: zero, labelEnds: zero, labels, losses: [zero, new Float64Array(7).fill(0.5)] };
    const [sure, half] = blockGains(model, 3);
    const [up, flat, down] = [4, 2, 1].map((n) => -Math.log(n / 7)) as [number, number, number];
    expect([...sure!]).toEqual([(2 * up + flat) / 3, (down + up + flat) / 3].map((gain) => expect.closeTo(gain, 12)));
    expect(half![0]).toBeCloseTo(sure![0]! - 0.5, 12);
    expect(blockGains(model, 100)[0]).toHaveLength(1);
  });
});
