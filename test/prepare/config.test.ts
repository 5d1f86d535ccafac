import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fixedK } from "../../src/prepare/config.js";
import { prepareConfigSchema, prepareJsonSchema, resolveHorizons } from "../../src/prepare/index.js";
import { splitRows } from "../../src/prepare/split.js";
import { MICROS_PER_MINUTE } from "../../src/types/index.js";

describe("the configuration of prepare", () => {
  it("has a default for everything", () => {
    const { features, ...config } = prepareConfigSchema.parse({});
    expect(features.timeframes).toContain("1h");
    expect(config).toEqual({
      horizons: [5, 10, 15, 20],
      max_gap: 10,
      adjust: "ratio",
      outside_session: "drop",
      label: { entry: "next_open", k: 0.5, target_neutral: null, atr_period: 14, session: "cross" },
      weights: { uniqueness: true, time_decay: 1 },
      split: { train: 0.7, val: 0.15, test: 0.15 },
    });
  });

  it("has a shipped JSON Schema that is current (vitest -u writes it)", async () => {
    const text = `${JSON.stringify(prepareJsonSchema(), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot("../../docs/schemas/prepare.schema.json");
  });

  it("refuses what it does not know", () => {
    for (const wrong of [
      { horizon: [5] },
      { horizons: [] },
      { horizons: [2.5] },
      { label: { entry: "vwap" } },
      { label: { k: 0 } },
      { label: { target_neutral: 1 } },
      { label: { session: "keep" } },
      { adjust: "panama" },
      { weights: { time_decay: 0 } },
      { split: { train: 0.8 } },
    ]) {
      expect(prepareConfigSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
    }
  });

  it("has a JSON Schema", () => {
    const schema = z.toJSONSchema(prepareConfigSchema, { io: "input", target: "draft-7" });
    expect(Object.keys(schema.properties ?? {})).toEqual([
      "horizons",
      "max_gap",
      "adjust",
      "outside_session",
      "features",
      "label",
      "weights",
      "split",
    ]);
  });
});

describe("horizons", () => {
  it("are lengths, put in order", () => {
    expect(resolveHorizons([20, "1h", "5"], 5 * MICROS_PER_MINUTE)).toEqual([5, 12, 20]);
  });
  it("stand there once each and are positive", () => {
    expect(() => resolveHorizons([12, "1h"], 5 * MICROS_PER_MINUTE)).toThrow("Horizons 12, 1h: 12 stands there twice.");
    expect(() => resolveHorizons(["0"], null)).toThrow("Horizons 0: 0 is not a positive number of bars.");
  });
  it("have a k each, or one for all", () => {
    expect([fixedK(0.4, 5), fixedK({ 5: 0.3, 20: 0.6 }, 20)]).toEqual([0.4, 0.6]);
    expect(() => fixedK({ 5: 0.3 }, 20)).toThrow("label.k has no entry for horizon 20; it has 5.");
  });
});

describe("the split", () => {
  it("cuts rows in time order by count, without a gap", () => {
    expect(splitRows(1000, { train: 0.7, val: 0.15, test: 0.15 })).toEqual({
      train: { start: 0, end: 700 },
      val: { start: 700, end: 850 },
      test: { start: 850, end: 1000 },
    });
  });
  it("refuses rows that do not fill every part", () => {
    expect(() => splitRows(3, { train: 0.7, val: 0.15, test: 0.15 })).toThrow("3 rows are too few to be split");
    expect(() => splitRows(0, { train: 0.7, val: 0.15, test: 0.15 })).toThrow("0 rows are too few to be split");
  });
});
