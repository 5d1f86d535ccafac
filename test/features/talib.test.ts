import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { computeFeatures, planFeatures } from "../../src/features/index.js";
import { barsOf, MINUTE } from "./bars.js";

const column = z.array(z.number());
const golden = z
  .object({
    bars: z.object({ open: column, high: column, low: column, close: column, volume: column }),
    first_row: z.number(),
    expected: z.record(z.string(), column),
  })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/talib/golden.json", import.meta.url), "utf8")));

/** TA-Lib's recursions never end, ours are cut: up to 1e-6 of the inputs' range. */
const RECURSIVE = 2e-5;
const recursive = /^(rsi|natr|adx|plus_di|minus_di|macd|trix|ema)_/;

describe("features whose definition is TA-Lib's", () => {
  const bars = barsOf(golden.bars);
  const plan = planFeatures({ include: Object.keys(golden.expected) }, { step: MINUTE, rows: 1e6 });
  const { names, X } = computeFeatures(plan, bars);

  it.each(Object.entries(golden.expected))("%s agrees with it", (name, values) => {
    const columnAt = names.indexOf(name);
    expect(columnAt).toBeGreaterThanOrEqual(0);
    const scale = Math.max(...values.map(Math.abs));
    // Float32 keeps 6e-8 of a value.
    const tolerance = (recursive.test(name) ? RECURSIVE : 2e-7) * scale;
    values.forEach((value, i) => {
      const got = X[(golden.first_row + i) * names.length + columnAt]!;
      expect(Math.abs(got - value), `row ${i}: ${got} for ${value}`).toBeLessThanOrEqual(tolerance);
    });
  });
});
