import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { solveNeutral, type TripleBarrierOptions, tripleBarrier, wilderAtr } from "../../src/labels/index.js";
import { type Bars, NO_LABEL, seededRandom } from "../../src/types/index.js";
import { entries, randomBars, randomPieces, seeds } from "./random-bars.js";
import { referenceAtr, referenceLabel } from "./reference.js";

const onePiece = (n: number): Int32Array => new Int32Array(n);
const cases = fc.record({
  seed: seeds,
  n: fc.integer({ min: 20, max: 150 }),
  horizon: fc.integer({ min: 1, max: 25 }),
  k: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
  entry: entries,
});

function options(extra: Partial<TripleBarrierOptions> & { piece: Int32Array }): TripleBarrierOptions {
  return { horizon: 10, k: 0.5, entry: "next_open", atrPeriod: 14, ...extra };
}

describe("the triple barrier", () => {
  it("gives what the definition gives, row by row, on random bars with gaps", () => {
    fc.assert(
      fc.property(cases, ({ seed, n, horizon, k, entry }) => {
        const bars = randomBars(n, seed);
        const piece = randomPieces(n, seed + 1, 40);
        const { labels, duration } = tripleBarrier(bars, options({ horizon, k, entry, piece }));
        for (let t = 0; t < n; t++) {
          const expected = referenceLabel(bars, { horizon, k, entry, piece }, t, referenceAtr(bars, 14, piece, t));
          if (expected === null) {
            expect([labels.y[t], labels.end[t], labels.r![t], duration[t]]).toEqual([
              NO_LABEL,
              Number.NaN,
              Number.NaN,
              0,
            ]);
          } else {
            expect(labels.y[t]).toBe(expected.label);
            expect(labels.end[t]).toBe(bars.timestamp[expected.exit]);
            expect(duration[t]).toBe(expected.exit - t);
            expect(labels.r![t]).toBeCloseTo(expected.r, 7);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("does not change when bars after a label's end change", () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 14, max: 149 }), ({ seed, n, horizon, k, entry }, cut) => {
        const bars = randomBars(n, seed);
        const before = tripleBarrier(bars, options({ horizon, k, entry, piece: onePiece(n) }));
        const after = tripleBarrier(changedFrom(bars, cut, seed), options({ horizon, k, entry, piece: onePiece(n) }));
        for (let t = 0; t < n; t++) {
          if (before.labels.y[t] === NO_LABEL || t + before.duration[t]! >= cut) continue;
          expect(after.labels.y[t]).toBe(before.labels.y[t]);
          expect(after.labels.end[t]).toBe(before.labels.end[t]);
          expect(after.labels.r![t]).toBe(before.labels.r![t]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is the same for prices times 1.37", () => {
    fc.assert(
      fc.property(cases, ({ seed, n, horizon, k, entry }) => {
        const bars = randomBars(n, seed);
        const scaled = { ...bars };
        for (const name of ["open", "high", "low", "close"] as const)
          scaled[name] = bars[name].map((price) => price * 1.37);
        const a = tripleBarrier(bars, options({ horizon, k, entry, piece: onePiece(n) }));
        const b = tripleBarrier(scaled, options({ horizon, k, entry, piece: onePiece(n) }));
        expect(b.labels.y).toEqual(a.labels.y);
        expect(b.labels.end).toEqual(a.labels.end);
        a.labels.r!.forEach((r, t) => {
          if (!Number.isNaN(r)) expect(b.labels.r![t]).toBeCloseTo(r, 6);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("counts every row without a label under one reason", () => {
    const piece = onePiece(100).map((_, t) => (t < 60 ? 0 : 1));
    const { labels, lost } = tripleBarrier(randomBars(100, 3), options({ horizon: 5, piece }));
    expect(lost).toEqual({ warmup: 13, gaps: 5, end: 5, session: 0, flat: 0 });
    expect(labels.y.filter((y) => y === NO_LABEL)).toHaveLength(23);
  });

  it("gives no label to a market that stands still", () => {
    const bars = randomBars(40, 3);
    for (const name of ["open", "high", "low", "close"] as const) bars[name].fill(100);
    const { labels, lost } = tripleBarrier(bars, options({ horizon: 5, piece: onePiece(40) }));
    expect(lost).toEqual({ warmup: 13, gaps: 0, end: 5, session: 0, flat: 22 });
    expect(labels.y.every((y) => y === NO_LABEL)).toBe(true);
  });

  it("takes the entry price from the next open or from this close", () => {
    const bars = randomBars(30, 5);
    const next = tripleBarrier(bars, options({ piece: onePiece(30) })).entryPrice;
    const close = tripleBarrier(bars, options({ piece: onePiece(30), entry: "close" })).entryPrice;
    expect([next[4], next[29], close[4], close[29]]).toEqual([bars.open[5], Number.NaN, bars.close[4], bars.close[29]]);
  });

  it("does not take the jump over a hole in the data for volatility", () => {
    const bars = randomBars(40, 9);
    for (const name of ["open", "high", "low", "close"] as const) {
      bars[name] = bars[name].map((price, t) => (t < 20 ? price : 2 * price));
    }
    const whole = wilderAtr(bars, 14);
    const broken = wilderAtr(
      bars,
      14,
      onePiece(40).map((_, t) => (t < 20 ? 0 : 1)),
    );
    expect(whole[20]! / broken[20]!).toBeGreaterThan(3);
    expect(broken.subarray(0, 20)).toEqual(whole.subarray(0, 20));
  });
});

describe("target_neutral", () => {
  const bars = randomBars(3000, 11);
  const piece = onePiece(3000);
  const atr = wilderAtr(bars, 14, piece);
  const rows = { start: 100, end: 2100 };

  it("finds the k that gives the wanted share on training rows", () => {
    for (const target of [0.2, 1 / 3, 0.5]) {
      const { k, share } = solveNeutral(bars, { horizon: 10, entry: "next_open", piece, atr, rows, target });
      expect(Math.abs(share - target)).toBeLessThan(0.002);
      const { y } = tripleBarrier(bars, options({ k, piece })).labels;
      const used = y.subarray(rows.start, rows.end - 10);
      expect(used.filter((label) => label === 0).length / used.length).toBeCloseTo(share, 10);
    }
  });

  it("knows nothing of the bars after the training part", () => {
    const solve = (from: Bars) =>
      solveNeutral(from, {
        horizon: 10,
        entry: "next_open",
        piece,
        atr: wilderAtr(from, 14, piece),
        rows,
        target: 0.3,
      });
    expect(solve(changedFrom(bars, rows.end, 1))).toEqual(solve(bars));
  });

  it("refuses a share that no k gives, and says which are possible", () => {
    const solve = () => solveNeutral(bars, { horizon: 10, entry: "next_open", piece, atr, rows, target: 0.0001 });
    expect(solve).toThrow(/neutral share of the training rows can only be 0\.\d+ to 1\.000/);
  });

  it("refuses a training part shorter than the horizon", () => {
    const short = { start: 100, end: 105 };
    const solve = () => solveNeutral(bars, { horizon: 10, entry: "close", piece, atr, rows: short, target: 0.3 });
    expect(solve).toThrow(/No training row has 10 bars ahead/);
  });
});

/** The same bars up to `cut`, others from there on. */
function changedFrom(bars: Bars, cut: number, seed: number): Bars {
  const random = seededRandom(seed);
  const changed: Bars = {
    ...bars,
    open: bars.open.slice(),
    high: bars.high.slice(),
    low: bars.low.slice(),
    close: bars.close.slice(),
  };
  for (let t = cut; t < bars.n; t++) {
    const factor = 0.5 + random.next();
    for (const name of ["open", "high", "low", "close"] as const) changed[name][t]! *= factor;
  }
  return changed;
}
