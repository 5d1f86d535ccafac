import { describe, expect, it } from "vitest";
import { z } from "zod";
import { featuresConfigSchema } from "../../src/features/index.js";

describe("the features section", () => {
  it("is complete when nothing is written", () => {
    const config = featuresConfigSchema.parse({});
    expect(config.base.rsi).toEqual([7, 14, 28]);
    expect(config.higher.macd).toBe(false);
    expect(config.timeframes).toEqual(["15m", "30m", "1h", "4h", "1d"]);
    expect(featuresConfigSchema.parse(config)).toEqual(config);
  });

  it.each([
    ["an unknown key", { windows: [1] }],
    ["an unknown indicator", { base: { rsii: [14] } }],
    ["a period below the smallest", { base: { volatility: [1] } }],
    ["a period twice", { base: { rsi: [14, 14] } }],
    ["a timeframe that does not divide a day", { timeframes: ["7h"] }],
    ["a clock on a higher timeframe", { higher: { hour: true } }],
  ])("refuses %s", (_, config) => {
    expect(featuresConfigSchema.safeParse(config).success).toBe(false);
  });

  it("has a JSON Schema in which every key is described", () => {
    const schema = z.toJSONSchema(featuresConfigSchema, { io: "input", target: "draft-7" });
    const text = JSON.stringify(schema);
    expect(text).toContain("Relative strength index (Wilder)");
    const properties = z
      .object({ properties: z.record(z.string(), z.looseObject({ description: z.string() })) })
      .parse(schema).properties;
    expect(Object.keys(properties)).toContain("timeframes");
  });
});
