import { describe, expect, it } from "vitest";
import { computeFeatures, defineFeature, planFeatures, planFromSpec } from "../../src/features/index.js";
import { MICROS_PER_DAY } from "../../src/types/index.js";
import { MINUTE, market, sameBits } from "./bars.js";

const DAY = MICROS_PER_DAY;
const shape = { seed: 7, bars: 1200, flat: 0, idle: 0, tick: 0.01 };

const doubleReturn = defineFeature({
  name: "double_return",
  formula: "2 × (close / last close − 1)",
  lookback: 2,
  create() {
    let last = Number.NaN;
    return {
      push(bar) {
        const value = 2 * (bar.close / last - 1);
        last = bar.close;
        return value;
      },
    };
  },
});

describe("a plan", () => {
  it("leaves out what warms up for more than 5 % of the rows, and says so", () => {
    const plan = planFeatures({}, { step: MINUTE, rows: 2000 });
    expect(plan.warmup).toBeLessThanOrEqual(100);
    expect(plan.spec.names).toContain("rsi_7");
    expect(plan.spec.names).not.toContain("rsi_14");
    expect(plan.leftOut).toContainEqual({
      name: "rsi_14",
      kind: "warmup",
      reason: "its warm-up of 187 bars is more than 5 % of 2000 rows",
    });
  });

  it("keeps a warm-up of exactly 5 %", () => {
    const at = (rows: number) => planFeatures({ include: ["rsi_14", "true_range"] }, { step: MINUTE, rows }).spec.names;
    expect(at(187 * 20)).toContain("rsi_14");
    expect(at(187 * 20 - 1)).not.toContain("rsi_14");
  });

  it("gives daily bars neither a clock nor higher timeframes", () => {
    const plan = planFeatures({}, { step: DAY, rows: 5031 });
    expect(plan.features.every((f) => f.timeframe === null)).toBe(true);
    expect(plan.spec.names).toContain("day_of_week_sin");
    expect(plan.spec.names).not.toContain("hour_sin");
    expect(plan.leftOut.find((f) => f.name === "1h_log_return_1")?.reason).toBe(
      "1h is not longer than the base bar (1d)",
    );
    expect(plan.features.length).toBeGreaterThan(75);
  });

  it("gives irregular bars no clock", () => {
    const plan = planFeatures({}, { step: null, rows: 1e6 });
    expect(plan.features.filter((f) => f.group === "calendar" || f.timeframe !== null)).toEqual([]);
    expect(plan.leftOut.find((f) => f.name === "hour_sin")?.reason).toBe("clock features need bars of a regular step");
  });

  it("leaves out timeframes that the base bar does not divide", () => {
    const plan = planFeatures({}, { step: 10 * MINUTE, rows: 1e6 });
    expect(plan.leftOut.find((f) => f.name === "15m_log_return_1")?.reason).toBe(
      "the base bar (10m) does not divide 15m",
    );
    expect(plan.spec.names).toContain("30m_log_return_1");
  });

  it("follows groups, periods, timeframes, include and exclude", () => {
    const plan = planFeatures(
      {
        groups: ["momentum", "returns"],
        base: { rsi: [5, 9], log_return: [1], macd: true },
        timeframes: ["1h"],
        include: ["rsi_*", "1h_log_return_?", "log_return_1"],
        exclude: ["1h_log_return_6"],
      },
      { step: MINUTE, rows: 1e6 },
    );
    expect(plan.spec.names).toEqual(["log_return_1", "rsi_5", "rsi_9", "1h_log_return_1", "1h_log_return_3"]);
  });

  it("names the nearest feature for one that does not exist", () => {
    expect(() => planFeatures({ exclude: ["rsi14"] }, { step: MINUTE, rows: 1e6 })).toThrow(
      expect.objectContaining({
        code: "config.unknown_feature",
        message: expect.stringContaining('did you mean "rsi_14"?'),
      }),
    );
  });

  it("refuses to be empty", () => {
    expect(() => planFeatures({ include: ["rsi_14"] }, { step: MINUTE, rows: 100 })).toThrow(
      expect.objectContaining({ code: "config.no_features" }),
    );
  });

  it("is made again from its spec: same columns, same order, same values, whatever the rows", () => {
    const bars = market(shape);
    const plan = planFeatures({ exclude: ["macd_*"] }, { step: MINUTE, rows: bars.n, plugins: [doubleReturn] });
    const stored = JSON.parse(JSON.stringify(plan.spec)) as typeof plan.spec;
    const again = planFromSpec({ ...stored, names: stored.names }, { step: MINUTE, plugins: [doubleReturn] });
    expect(again.spec).toEqual(plan.spec);
    expect(again.warmup).toBe(plan.warmup);
    expect(sameBits(computeFeatures(again, bars).X, computeFeatures(plan, bars).X)).toBe(true);
    const reversed = planFromSpec(
      { ...stored, names: stored.names.toReversed() },
      { step: MINUTE, plugins: [doubleReturn] },
    );
    expect(reversed.features.map((f) => f.name)).toEqual(plan.spec.names.toReversed());
  });

  it("cannot be made again without its plug-in or for other bars", () => {
    const { spec } = planFeatures({}, { step: MINUTE, rows: 1e5, plugins: [doubleReturn] });
    expect(() => planFromSpec(spec, { step: MINUTE })).toThrow(
      expect.objectContaining({ code: "config.unknown_feature" }),
    );
    expect(() => planFromSpec(spec, { step: DAY, plugins: [doubleReturn] })).toThrow(
      expect.objectContaining({ code: "data.feature_impossible" }),
    );
  });
});

describe("a plug-in's feature", () => {
  it("is computed beside the others", () => {
    const bars = market(shape);
    const plan = planFeatures({ include: ["double_return"] }, { step: MINUTE, rows: bars.n, plugins: [doubleReturn] });
    const { X } = computeFeatures(plan, bars);
    expect(X[0]).toBeNaN();
    expect(X[10]).toBeCloseTo(2 * (bars.close[10]! / bars.close[9]! - 1), 6);
  });

  it("may not take a name that exists", () => {
    const rsi = defineFeature({ ...doubleReturn, name: "rsi_14" });
    expect(() => planFeatures({}, { step: MINUTE, rows: 1e6, plugins: [rsi] })).toThrow(
      expect.objectContaining({ code: "config.feature_name_taken" }),
    );
  });

  it.each([
    ["name", { name: "RSI 14" }],
    ["lookback", { lookback: 0 }],
    ["warmup", { lookback: 5, warmup: 3 }],
  ])("is refused with a wrong %s", (word, change) => {
    expect(() => defineFeature({ ...doubleReturn, ...change })).toThrow(
      expect.objectContaining({ code: "config.feature_definition", message: expect.stringContaining(word) }),
    );
  });
});
