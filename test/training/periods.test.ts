import { expect, it } from "vitest";
import { commonPeriods } from "../../src/training/compare/periods.js";

const days = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

it("configurations that leave half of the first's periods common to all are taken in, those that cover most first", () => {
  const { kept, common } = commonPeriods([days(0, 10), days(0, 6), days(0, 10), days(2, 10), days(20, 30)]);
  expect(kept).toEqual([0, 2, 3]);
  expect([...common]).toEqual(days(2, 10));
});

it("half is enough, less is not, and nothing is in common with nothing", () => {
  expect(commonPeriods([days(0, 10), days(5, 30)]).kept).toEqual([0, 1]);
  expect(commonPeriods([days(0, 10), days(6, 30)])).toEqual({ kept: [0], common: new Set(days(0, 10)) });
  expect(commonPeriods([[], days(0, 3)])).toEqual({ kept: [0], common: new Set() });
});
