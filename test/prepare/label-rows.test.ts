import { describe, expect, it } from "vitest";
import { prepareConfigSchema } from "../../src/prepare/index.js";
import { type LabelInput, labelRows } from "../../src/prepare/label-rows.js";
import { splitRows } from "../../src/prepare/split.js";
import { NO_LABEL } from "../../src/types/index.js";
import { planHoldout } from "../../src/validation/index.js";
import { randomBars } from "../labels/random-bars.js";

const WARMUP = 100;

function input(extra: { config?: object; n?: number; horizons?: number[]; piece?: Int32Array } = {}): LabelInput {
  const { n = 2100, config = {}, horizons = [5, 20], piece = new Int32Array(n) } = extra;
  const { split, label, weights } = prepareConfigSchema.parse(config);
  const parts = splitRows(n - WARMUP, split);
  return { bars: randomBars(n, 8), piece, warmup: WARMUP, parts, horizons, config: { label, weights } };
}

/** The bars from `row` on (a row of the dataset) replaced by those of another series. */
function otherFrom(original: LabelInput, row: number): LabelInput {
  const { bars } = original;
  const other = randomBars(bars.n, 99);
  const cut = row + WARMUP;
  const mixed = { ...bars };
  for (const name of ["open", "high", "low", "close"] as const) {
    mixed[name] = bars[name].map((price, t) =>
      t < cut ? price : (other[name][t]! / other[name][cut - 1]!) * bars.close[cut - 1]!,
    );
  }
  return { ...original, bars: mixed };
}

describe("the labels of a dataset", () => {
  it("stand a row each after the warm-up, and weigh at most 1", () => {
    const { horizons, entryPrice, summaries } = labelRows(input());
    expect(horizons.map(({ horizon }) => horizon)).toEqual([5, 20]);
    expect(entryPrice).toHaveLength(2000);
    for (const { y, end, w, r } of horizons) {
      expect([y.length, end.length, w.length, r!.length]).toEqual([2000, 2000, 2000, 2000]);
      y.forEach((label, t) => {
        expect(w[t]).toBeGreaterThan(0);
        expect(w[t]).toBeLessThanOrEqual(1);
        expect(Number.isNaN(end[t]!)).toBe(label === NO_LABEL);
      });
    }
    expect(summaries[1]!.lost).toEqual({ warmup: 0, gaps: 0, end: 20, session: 0, flat: 0 });
  });

  it("have training weights that do not depend on any bar from the border on", () => {
    const before = input({ config: { weights: { time_decay: 0.5 } } });
    const border = before.parts.train.end;
    const a = labelRows(before);
    const b = labelRows(otherFrom(before, border));
    const plan = planHoldout({
      timestamps: before.bars.timestamp.subarray(WARMUP),
      labels: a.horizons.map(({ y }) => y),
      labelEnds: a.horizons.map(({ end }) => end),
      parts: before.parts,
      embargo: 0,
    });
    expect(plan.train.length).toBeGreaterThan(1300);
    for (const [h, { y, w }] of a.horizons.entries()) {
      const other = b.horizons[h]!;
      for (const t of plan.train) {
        expect(other.y[t]).toBe(y[t]);
        expect(other.w[t]).toBe(w[t]);
      }
    }
  });

  it("have the k that target_neutral chooses on training rows", () => {
    const { summaries } = labelRows(input({ config: { label: { target_neutral: 0.4 } } }));
    for (const { k, statistics } of summaries) {
      expect(k).not.toBe(0.5);
      expect(statistics[0]!.shares[0]).toBeCloseTo(0.4, 1);
    }
  });

  it("weigh 1 where uniqueness is switched off", () => {
    const [first] = labelRows(input({ config: { weights: { uniqueness: false } } })).horizons;
    expect(first!.w.every((w) => w === 1)).toBe(true);
  });

  it("are refused where a horizon leaves none", () => {
    const piece = new Int32Array(2100).map((_, t) => Math.floor(t / 15));
    expect(() => labelRows(input({ piece }))).toThrow(/At horizon 20 none of the 1400 train rows has a label/);
  });

  it("stop when they are interrupted", () => {
    expect(() => labelRows({ ...input(), signal: AbortSignal.abort() })).toThrow("Interrupted.");
  });
});
