import { describe, expect, it } from "vitest";
import { headLine, type PriorComparison, verdictOf } from "../../src/evaluation/index.js";

const compared = (difference: number, lower: number, upper: number, more: Partial<PriorComparison> = {}) => ({
  difference,
  interval: { lower, upper },
  effectiveN: 213.7,
  unreliable: false,
  blocks: 40,
  ...more,
});

describe("the verdict", () => {
  it("is YES only where the whole interval lies below zero", () => {
    expect(verdictOf(compared(-0.01, -0.02, -0.001))).toBe("YES");
    expect(verdictOf(compared(-0.01, -0.02, 0))).toBe("NOT SHOWN");
  });
  it("is NO only where the whole interval lies above zero", () => {
    expect(verdictOf(compared(0.01, 0.001, 0.02))).toBe("NO");
    expect(verdictOf(compared(0.01, 0, 0.02))).toBe("NOT SHOWN");
  });
  it("is NOT SHOWN where there are not two blocks", () => {
    expect(verdictOf(compared(-0.01, -0.02, -0.001, { blocks: 1 }))).toBe("NOT SHOWN");
  });
});

describe("the head line", () => {
  it.each([
    [
      compared(0.003, -0.001, 0.007),
      "Beats the prior? NOT SHOWN: log-loss worse by 0.003 [−0.001, 0.007], effective n = 214",
    ],
    [
      compared(-0.012, -0.02, -0.005),
      "Beats the prior? YES: log-loss better by 0.012 [0.005, 0.020], effective n = 214",
    ],
    [compared(0.04, 0.01, 0.07), "Beats the prior? NO: log-loss worse by 0.040 [0.010, 0.070], effective n = 214"],
    [
      compared(-0.003, -0.007, 0.001),
      "Beats the prior? NOT SHOWN: log-loss better by 0.003 [−0.001, 0.007], effective n = 214",
    ],
    [compared(0, 0, 0), "Beats the prior? NOT SHOWN: log-loss worse by 0.000 [0.000, 0.000], effective n = 214"],
    [
      compared(-0.0004, -0.0007, -0.00004),
      "Beats the prior? YES: log-loss better by 0.00040 [0.00004, 0.00070], effective n = 214",
    ],
    [
      compared(0.1, -0.2, 0.3, { unreliable: true, blocks: 4 }),
      "Beats the prior? NOT SHOWN: log-loss worse by 0.100 [−0.200, 0.300], effective n = 214 (interval unreliable: 4 blocks)",
    ],
  ])("reads %#", (comparison, line) => {
    expect(headLine(comparison)).toBe(line);
  });
});
