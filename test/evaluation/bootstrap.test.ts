import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockBootstrap,
  blockLength,
  constantProbabilities,
  rowHits,
  rowLogLosses,
} from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

describe("blockLength", () => {
  it("is three times the 95th percentile of the label durations", () => {
    expect(
      blockLength(
        Array.from({ length: 100 }, (_, i) => i + 1),
        5000,
      ),
    ).toBe(285);
  });
  it("is at least the cube root of the rows", () => {
    expect(blockLength(new Array(1000).fill(1), 1000)).toBe(10);
    expect(blockLength([], 1)).toBe(1);
  });
  it("passes over unknown durations", () => {
    expect(blockLength([Number.NaN, 20, 20, Number.NaN], 1000)).toBe(60);
  });
});

describe("blockBootstrap", () => {
  const noise = (n: number, seed: number): Float64Array => {
    const random = seededRandom(seed);
    return new Float64Array(n).map(() => random.normal());
  };

  it("gives the same interval for the same seed, another for another", () => {
    const run = (seed: number) => blockBootstrap({ a: noise(500, 1) }, { block: 10, seed }).intervals.a;
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  it("moves and stretches with its series", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 300 }), fc.integer({ min: 1, max: 60 }), (n, block) => {
        const a = noise(n, n);
        const { intervals } = blockBootstrap({ a, b: a.map((x) => 2 * x + 5) }, { block, seed: 3 });
        expect(intervals.b.lower).toBeCloseTo(2 * intervals.a.lower + 5, 9);
        expect(intervals.b.upper).toBeCloseTo(2 * intervals.a.upper + 5, 9);
      }),
      { numRuns: 25 },
    );
  });

  it("with blocks of one row has the width of the normal interval of independent values", () => {
    const a = noise(2000, 5);
    const { lower, upper } = blockBootstrap({ a }, { block: 1, seed: 3, resamples: 5000 }).intervals.a;
    expect(upper - lower).toBeCloseTo((2 * 1.96) / Math.sqrt(2000), 2);
  });

  it("marks fewer than ten blocks unreliable, and keeps a width even below two", () => {
    const { intervals, bootstrap } = blockBootstrap({ a: noise(50, 5) }, { block: 60, seed: 3 });
    expect(bootstrap).toMatchObject({ block: 60, blocks: 0, unreliable: true, resamples: 2000 });
    expect(intervals.a.upper - intervals.a.lower).toBeGreaterThan(0.01);
    expect(blockBootstrap({ a: noise(100, 5) }, { block: 10, seed: 3 }).bootstrap.unreliable).toBe(false);
    expect(blockBootstrap({ a: noise(99, 5) }, { block: 10, seed: 3 }).bootstrap.unreliable).toBe(true);
  });

  it("never uses fewer than 2 000 resamples", () => {
    expect(blockBootstrap({ a: noise(9, 1) }, { block: 2, seed: 3, resamples: 10 }).bootstrap.resamples).toBe(2000);
  });

  it("refuses series of different lengths, and none", () => {
    expect(() => blockBootstrap({ a: noise(5, 1), b: noise(6, 1) }, { block: 2, seed: 3 })).toThrow(/one length/);
    expect(() => blockBootstrap({}, { block: 2, seed: 3 })).toThrow(/one length/);
  });
});

describe("the 95 % interval on overlapping labels", () => {
  const N = 3000;
  const H = 20;
  const SERIES = 400;

  /**
   * Labels from the sum of the next H innovations, so neighbours share up to H − 1 of them, and a model whose answers follow a
   * slow signal that drives the innovations a little: losses are as dependent as those of real overlapping labels.
   */
  function simulate(seed: number): { y: Int8Array; p: Float64Array } {
    const random = seededRandom(seed);
    const signal = new Float64Array(N + H);
    const sum = new Float64Array(N + H + 1);
    for (let t = 0; t < N + H; t++) {
      signal[t] = 0.97 * (t === 0 ? random.normal() * 4 : signal[t - 1]!) + random.normal();
      sum[t + 1] = sum[t]! + random.normal() + 0.01 * signal[t]!;
    }
    const y = new Int8Array(N);
    const p = new Float64Array(3 * N);
    for (let t = 0; t < N; t++) {
      const moved = (sum[t + H]! - sum[t]!) / Math.sqrt(H);
      y[t] = moved > 0.43 ? 1 : moved < -0.43 ? -1 : 0;
      const [down, up] = [Math.exp(-0.05 * signal[t]!), Math.exp(0.05 * signal[t]!)];
      p.set([down / (down + up + 1), 1 / (down + up + 1), up / (down + up + 1)], 3 * t);
    }
    return { y, p };
  }

  it("covers the truth at least 90 % of the time: accuracy, log-loss and the paired difference", () => {
    const prior = constantProbabilities([1 / 3, 1 / 3, 1 / 3], N);
    const truth = { accuracy: 0, logLoss: 0, difference: 0 };
    const intervals = Array.from({ length: SERIES }, (_, s) => {
      const { y, p } = simulate(1000 + s);
      const logLoss = rowLogLosses(y, p);
      const priorLoss = rowLogLosses(y, prior);
      const series = { accuracy: rowHits(y, p), logLoss, difference: logLoss.map((loss, i) => loss - priorLoss[i]!) };
      for (const key of ["accuracy", "logLoss", "difference"] as const) {
        // The mean over all series stands for the truth: its own error is a twentieth of one series'.
        truth[key] += series[key].reduce((a, b) => a + b, 0) / N / SERIES;
      }
      return blockBootstrap(series, { block: blockLength(new Array(N).fill(H), N), seed: s }).intervals;
    });
    for (const key of ["accuracy", "logLoss", "difference"] as const) {
      const covered = intervals.filter(({ [key]: i }) => i.lower <= truth[key] && truth[key] <= i.upper).length;
      expect(covered / SERIES, key).toBeGreaterThanOrEqual(0.9);
      expect(covered / SERIES, key).toBeLessThan(0.99);
    }
  });
});
