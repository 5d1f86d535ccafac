import { describe, expect, it } from "vitest";
import { adjustBars, rollsOfContracts } from "../../src/market/index.js";
import type { Adjust, Bars, Roll } from "../../src/types/index.js";

/** Contract A closes at 100, B opens at 104 and closes at 106 and 108. */
const bars: Bars = {
  n: 4,
  timestamp: Float64Array.from([1, 2, 3, 4], (t) => t * 60e6),
  open: Float64Array.from([98, 99, 104, 106]),
  high: Float64Array.from([99, 101, 107, 109]),
  low: Float64Array.from([97, 98, 103, 105]),
  close: Float64Array.from([99, 100, 106, 108]),
  volume: new Float64Array(4).fill(1),
  contract: ["A", "A", "B", "B"],
};
const place = (row: number): string => `row ${row + 1}`;
const adjusted = (adjust: Adjust, change: Partial<Roll> = {}) => {
  const { rows, rolls } = rollsOfContracts(bars, place);
  return adjustBars(
    bars,
    rows,
    rolls.map((roll) => ({ ...roll, ...change })),
    adjust,
  );
};
const round = (values: Float64Array): number[] => [...values].map((value) => Number(value.toFixed(6)));

describe("a change of contract", () => {
  it("is found with the prices on both sides of it", () => {
    expect(rollsOfContracts(bars, place)).toEqual({
      rows: [2],
      rolls: [{ timestamp: 180e6, from: "A", to: "B", oldPrice: 100, newPrice: 104, prices: "spliced" }],
    });
  });

  it("back to an earlier contract is refused, with both places", () => {
    const back = { ...bars, contract: ["A", "B", "A", "A"] };
    expect(() => rollsOfContracts(back, place)).toThrow(/row 3: contract "A" comes again after "B".*row 1/);
  });
});

describe("adjusted prices", () => {
  it("by ratio are those of later contracts times old / new; the first contract keeps its own", () => {
    expect(round(adjusted("ratio").bars.close)).toEqual(round(Float64Array.from([99, 100, 10600 / 104, 10800 / 104])));
  });

  it("by difference are shifted by old − new", () => {
    expect(round(adjusted("difference").bars.close)).toEqual([99, 100, 102, 104]);
    expect(round(adjusted("difference").bars.open)).toEqual([98, 99, 100, 102]);
  });

  it("go by the prices at one moment, where they are given", () => {
    expect(round(adjusted("difference", { oldPrice: 100, newPrice: 105, prices: "given" }).bars.close)).toEqual([
      99, 100, 101, 103,
    ]);
  });

  it("are as quoted without adjustment", () => {
    expect(adjusted("none").bars).toBe(bars);
  });

  it("give back what was quoted by factor and shift", () => {
    for (const adjust of ["ratio", "difference", "none"] as const) {
      const { bars: moved, factor, shift } = adjusted(adjust);
      const quoted = moved.close.map((price, i) => (price - shift[i]!) / factor[i]!);
      expect(round(quoted)).toEqual(round(bars.close));
    }
  });

  it("below zero are refused", () => {
    expect(() => adjusted("difference", { oldPrice: 1, newPrice: 104 })).toThrow(/low of row 3 becomes 0|becomes -/);
  });
});
