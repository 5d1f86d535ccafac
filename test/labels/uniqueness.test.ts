import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  averageUniqueness,
  DURATION_QUANTILES,
  exitRows,
  labelDurations,
  labelStatistics,
  timeDecay,
  tripleBarrier,
} from "../../src/labels/index.js";
import { seededRandom } from "../../src/types/index.js";
import { randomBars, seeds } from "./random-bars.js";
import { referenceUniqueness } from "./reference.js";

const stamps = (n: number): Float64Array => Float64Array.from({ length: n }, (_, t) => 60 * t);

/** Random exits, some rows without a label, none beyond the last row. */
function randomExits(n: number, seed: number, longest: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: n }, (_, t) => {
    const exit = t + 1 + random.int(longest);
    return exit < n && random.next() > 0.1 ? exit : -1;
  });
}

const endsOf = (exits: readonly number[]): Float64Array =>
  Float64Array.from(exits, (exit) => (exit < 0 ? Number.NaN : 60 * exit));

describe("average uniqueness", () => {
  it("equals counting every bar of every label", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 80 }), fc.integer({ min: 1, max: 20 }), (seed, n, longest) => {
        const exits = randomExits(n, seed, longest);
        const fast = averageUniqueness(stamps(n), endsOf(exits));
        referenceUniqueness(exits).forEach((slow, t) => {
          expect(fast[t]).toBeCloseTo(slow, 6);
        });
      }),
      { numRuns: 100 },
    );
  });

  it("is 1 for labels that follow one another", () => {
    expect(averageUniqueness(stamps(6), endsOf([2, -1, 4, -1, 5, -1]))).toEqual(Float32Array.from([1, 0, 1, 0, 1, 0]));
  });

  it("counts only the rows asked for", () => {
    const ends = endsOf([3, 4, 5, -1, -1, -1]);
    expect(averageUniqueness(stamps(6), ends, Int32Array.of(0))).toEqual(Float32Array.from([1, 0, 0, 0, 0, 0]));
    const among = averageUniqueness(stamps(6), ends, Int32Array.of(0, 1, 2));
    expect(among.reduce((sum, share) => sum + share, 0)).toBeCloseTo(3 * (5 / 9), 6);
  });

  it("of labels that end before a border does not depend on what starts after it", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 10, max: 79 }), (seed, border) => {
        const a = randomExits(80, seed, 12);
        const b = randomExits(80, seed + 1, 12);
        // The same bars before the border: labels that are still open there may end differently after it.
        const mixed = a.map((exit, t) => (t >= border ? b[t]! : exit >= border ? Math.min(79, exit + 3) : exit));
        const before = averageUniqueness(stamps(80), endsOf(a));
        const after = averageUniqueness(stamps(80), endsOf(mixed));
        a.forEach((exit, t) => {
          if (exit >= 0 && exit < border) expect(after[t]).toBeCloseTo(before[t]!, 6);
        });
      }),
    );
  });

  it("takes ends between stamps and beyond the last row", () => {
    expect(exitRows(stamps(4), Float64Array.of(70, Number.NaN, 1e9, 1e9))).toEqual(Int32Array.of(2, -1, 4, 4));
    expect(labelDurations(stamps(4), Float64Array.of(60, 120, 1e9, 1e9), Int32Array.of(0, 2))).toEqual(
      Int32Array.of(1, 2),
    );
    expect(averageUniqueness(stamps(4), Float64Array.of(60, 120, 180, 1e9))).toEqual(Float32Array.of(1, 1, 1, 1));
  });
});

describe("time decay", () => {
  const uniqueness = Float32Array.of(1, 1, 0, 2, 1);

  it("is linear in cumulative uniqueness over the rows given, and 1 elsewhere", () => {
    const factors = timeDecay(uniqueness, Int32Array.of(0, 1, 2, 3), 0.2);
    expect([...factors].map((factor) => Number(factor.toFixed(6)))).toEqual([0.4, 0.6, 0.6, 1, 1]);
  });
  it("is nothing at 1", () => {
    expect(timeDecay(uniqueness, Int32Array.of(0, 1, 2, 3, 4), 1)).toEqual(new Float32Array(5).fill(1));
  });
});

describe("label statistics", () => {
  const bars = randomBars(2000, 21);
  const labels = tripleBarrier(bars, {
    horizon: 10,
    k: 0.5,
    entry: "next_open",
    atrPeriod: 14,
    piece: new Int32Array(2000),
  });
  const uniqueness = averageUniqueness(bars.timestamp, labels.labels.end);
  const parts = { train: { start: 0, end: 1400 }, val: { start: 1400, end: 1700 }, test: { start: 1700, end: 2000 } };

  it("count labelled rows, class shares and durations of each part", () => {
    const statistics = labelStatistics(labels, uniqueness, parts);
    expect(statistics.map(({ part, labelled }) => [part, labelled])).toEqual([
      ["train", 1387],
      ["val", 300],
      ["test", 290],
    ]);
    for (const { shares, durations, meanUniqueness } of statistics) {
      expect(shares[-1] + shares[0] + shares[1]).toBeCloseTo(1, 12);
      expect(durations).toHaveLength(DURATION_QUANTILES.length);
      expect([...durations].sort((a, b) => a - b)).toEqual(durations);
      expect(meanUniqueness).toBeGreaterThan(0);
    }
  });

  it("warn of a rare and of a dominant class", () => {
    const wide = tripleBarrier(bars, { horizon: 3, k: 50, entry: "close", atrPeriod: 14, piece: new Int32Array(2000) });
    const [train] = labelStatistics(wide, uniqueness, parts);
    expect(train!.warnings).toEqual([
      expect.stringMatching(/^h3 train: class -1 is only 0\.0 % of the labels$/),
      expect.stringMatching(/^h3 train: class 0 is 100\.0 % of the labels$/),
      expect.stringMatching(/^h3 train: class 1 is only 0\.0 % of the labels$/),
    ]);
  });

  it("are zero for a part without labels", () => {
    const empty = { ...parts, test: { start: 1995, end: 2000 } };
    expect(labelStatistics(labels, uniqueness, empty)[2]).toMatchObject({
      labelled: 0,
      shares: { "-1": 0, 0: 0, 1: 0 },
      warnings: [],
    });
  });
});

it("labels 100 000 bars at four horizons within a second, with weights", () => {
  const bars = randomBars(100_000, 5);
  const piece = new Int32Array(bars.n);
  const start = performance.now();
  for (const horizon of [5, 10, 15, 20]) {
    const { labels } = tripleBarrier(bars, { horizon, k: 0.5, entry: "next_open", atrPeriod: 14, piece });
    averageUniqueness(bars.timestamp, labels.end);
  }
  const seconds = (performance.now() - start) / 1000;
  // Generous, because test machines are shared; it takes about 0.1 s.
  expect(seconds).toBeLessThan(2);
});
