import { describe, expect, it } from "vitest";
import { META_FLOOR, metaFeatures } from "../../../src/evaluation/index.js";
import { base, goldenRows, refusal } from "./market.js";

const a = base("a", [
  [0.2, 0.4, 0.4],
  [0, 0.5, 0.5],
]);
const b = base("b", [
  [0.5, 0.25, 0.25],
  [1, 0, 0],
]);

describe("metaFeatures", () => {
  it("has the log-ratios to neutral of each base, clipped, and the passthrough columns after them", () => {
    const X = Float32Array.of(7, Number.NaN, 8, 9);
    const { X: own, shape, names } = metaFeatures([a, b], { names: ["rsi_14", "atr_14"], X });
    expect(shape).toEqual([2, 6]);
    expect(names).toEqual(["a_log_short", "a_log_long", "b_log_short", "b_log_long", "rsi_14", "atr_14"]);
    const floor = Math.log(META_FLOOR);
    const rows = [
      [Math.log(0.5), 0, Math.log(2), 0, 7, Number.NaN],
      [floor - Math.log(0.5), 0, -floor, 0, 8, 9],
    ];
    expect([...own]).toEqual(rows.flat().map((value) => (Number.isNaN(value) ? value : expect.closeTo(value, 5))));
  });

  it("loses nothing: softmax of (short, 0, long) is the base's answer", () => {
    const { bases } = goldenRows;
    const { X, shape } = metaFeatures(bases);
    expect(shape).toEqual([goldenRows.y.length, 8]);
    bases.forEach(({ p }, at) => {
      for (let i = 0; i < shape[0]; i++) {
        const [short, long] = [Math.exp(X[8 * i + 2 * at]!), Math.exp(X[8 * i + 2 * at + 1]!)];
        expect(short / (short + 1 + long)).toBeCloseTo(p[3 * i]!, 5);
        expect(long / (short + 1 + long)).toBeCloseTo(p[3 * i + 2]!, 5);
      }
    });
  });

  it("refuses columns of other rows, infinite values and names that are taken", () => {
    const pass =
      (names: string[], ...values: number[]) =>
      () =>
        metaFeatures([a, b], { names, X: Float32Array.from(values) });
    expect(refusal(pass(["rsi_14"], 1))).toBe("data.shape_mismatch");
    expect(refusal(pass(["rsi_14"], 1, Number.NEGATIVE_INFINITY))).toBe("data.infinite_feature");
    expect(pass(["rsi_14", "atr_14"], 1, 2, 3, Number.POSITIVE_INFINITY)).toThrow("Row 1 of atr_14 is infinite");
    expect(refusal(pass(["a_log_long"], 1, 2))).toBe("data.duplicate_column");
    expect(refusal(() => metaFeatures([a]))).toBe("config.too_few_bases");
  });
});
