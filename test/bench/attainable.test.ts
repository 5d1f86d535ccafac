import { describe, expect, it } from "vitest";
import { attainable } from "../../bench/attainable.js";
import { blockStandardError } from "../../bench/lib/blocks.js";
import { seededRandom } from "../../src/types/index.js";

const options = { symbol: "MES", bars: 20_000, bar: "5m", seed: 7, rows: 300, paths: 300 };

describe("the attainable log-loss of demo bars", () => {
  const results = attainable(options);

  it.each([5, 10, 15, 20])(
    "beats the prior by at least 0.01 at horizon %i, by more than three standard errors",
    (h) => {
      const { gap, gapStandardError, attainable: value, prior, standardError, rows } = at(h);
      expect(rows).toBe(300);
      expect(gap).toBeCloseTo(prior - value, 12);
      expect(gap - 3 * gapStandardError).toBeGreaterThan(0.01);
      expect(standardError).toBeLessThan(0.02);
    },
  );

  it.each([5, 10, 15, 20])("agrees with the labels that came true at horizon %i", (h) => {
    const { realised, attainable: value } = at(h);
    expect(Math.abs(realised.value - value)).toBeLessThan(4 * realised.standardError);
  });

  it("is the same for the same options", () => {
    const small = { ...options, rows: 20, paths: 50 };
    expect(attainable(small)).toEqual(attainable(small));
  });

  it("is the same at the same rows, whether they are counted or named by their stamps", () => {
    const late = attainable({ ...options, rows: 25, paths: 60, rowsFrom: 17_000 });
    const named = attainable({ ...options, paths: 60, at: late[0]!.timestamps, prior: {} });
    expect(named.map(({ losses }) => losses)).toEqual(late.map(({ losses }) => losses));
    expect(named.map(({ attainable: value }) => value)).toEqual(late.map(({ attainable: value }) => value));
  });

  it("does not move with the number of paths by more than its noise: the bias is corrected", () => {
    const few = attainable({ ...options, rows: 200, paths: 25, horizons: [10] })[0]!;
    const many = attainable({ ...options, rows: 200, paths: 400, horizons: [10] })[0]!;
    // Uncorrected, 25 paths would lie 0.04 lower.
    expect(Math.abs(few.attainable - many.attainable)).toBeLessThan(0.012);
  });

  it("refuses stamps that are no rows", () => {
    const error = expect.objectContaining({ code: "data.not_a_demo_row" });
    expect(() => attainable({ ...options, at: Float64Array.of(5) })).toThrow(error);
  });

  function at(horizon: number) {
    return results.find((result) => result.horizon === horizon)!;
  }
});

describe("the block standard error", () => {
  it("is that of the mean for independent values, and larger for values that come in runs", () => {
    const random = seededRandom(1);
    const independent = Float64Array.from({ length: 8000 }, () => random.normal());
    const runs = independent.map((_, i) => independent[i - (i % 10)]!);
    const positions = Array.from({ length: 8000 }, (_, i) => i);
    expect(blockStandardError(independent, positions, 80)).toBeCloseTo(1 / Math.sqrt(8000), 2);
    const inRuns = blockStandardError(runs, positions, 80);
    expect(inRuns * Math.sqrt(800)).toBeGreaterThan(0.8);
    expect(inRuns * Math.sqrt(800)).toBeLessThan(1.2);
  });

  it("is unknown for a single block", () => {
    expect(blockStandardError(Float64Array.of(1, 2), [0, 1], 10)).toBeNaN();
  });
});
