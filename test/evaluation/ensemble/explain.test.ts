import { describe, expect, it } from "vitest";
import { errorCorrelation, leaveOneOut, softVote } from "../../../src/evaluation/index.js";
import { base, goldenRows, lossOf, refusal } from "./market.js";

const { y, bases } = goldenRows;

describe("errorCorrelation", () => {
  it("is Pearson's correlation of the log-losses", () => {
    // Losses log 2, log 4, log 8 beside log 4, log 2, log 2: (0, 1, 2) and (1, 0, 0) in units of log 2.
    const own = Int8Array.of(-1, 0, 1);
    const a = base("a", [
      [0.5, 0.25, 0.25],
      [0.5, 0.25, 0.25],
      [0.5, 0.375, 0.125],
    ]);
    const b = base("b", [
      [0.25, 0.5, 0.25],
      [0.25, 0.5, 0.25],
      [0.25, 0.25, 0.5],
    ]);
    const even = base("even", [
      [0.2, 0.4, 0.4],
      [0.4, 0.2, 0.4],
      [0.4, 0.4, 0.2],
    ]);
    const r = expect.closeTo(-Math.sqrt(3) / 2, 12);
    expect(errorCorrelation(own, [a, b, even])).toEqual([
      [1, r, null],
      [r, 1, null],
      [null, null, null],
    ]);
  });

  it("is symmetric, and 1 between bases that say the same", () => {
    const matrix = errorCorrelation(y, [...bases, { ...bases[1]!, name: "twin" }]);
    matrix.forEach((row, i) => {
      expect(row).toEqual(matrix.map((other) => other[i]));
    });
    expect(matrix[1]![4]).toBeCloseTo(1, 12);
    expect(matrix[0]![2]).toBeLessThan(0.9);
  });
});

describe("leaveOneOut", () => {
  it("tells by how much the loss rises without each base", () => {
    const all = lossOf(y, softVote(bases));
    const { logLoss, without } = leaveOneOut(y, bases, softVote);
    expect(logLoss).toBeCloseTo(all, 12);
    without.forEach(({ name, logLoss: left, adds }, at) => {
      const others = bases.filter((_, b) => b !== at);
      expect(name).toBe(`b${at}`);
      expect(left).toBeCloseTo(lossOf(y, softVote(others)), 12);
      expect(adds).toBeCloseTo(left - all, 12);
    });
    // The third is noise: the ensemble is better without it.
    expect(without[2]!.adds).toBeLessThan(0);
    expect(without[0]!.adds).toBeGreaterThan(0);
  });

  it("of two bases is what the other says by itself", () => {
    const { without } = leaveOneOut(y, bases.slice(0, 2), softVote);
    expect(without[0]!.logLoss).toBe(lossOf(y, bases[1]!.p));
  });
});

it("bases that cannot be explained are refused", () => {
  for (const explain of [errorCorrelation, (...rows: [Int8Array, typeof bases]) => leaveOneOut(...rows, softVote)]) {
    expect(refusal(() => explain(y, bases.slice(0, 1)))).toBe("config.too_few_bases");
    expect(refusal(() => explain(y, [bases[0]!, bases[0]!]))).toBe("config.duplicate_base");
    expect(refusal(() => explain(y.slice(1), bases))).toBe("data.shape_mismatch");
  }
});
