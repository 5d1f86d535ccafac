import { describe, expect, it } from "vitest";
import { barrierDistance, EXIT, labelOne, newOutcome } from "../../src/labels/index.js";

/** Bars as [open, high, low, close]; the entry is 100 and the barriers 110 and 90. */
function label(bars: [number, number, number, number][]) {
  const column = (i: number): Float64Array => Float64Array.from(bars, (bar) => bar[i]!);
  const path = { open: column(0), high: column(1), low: column(2), close: column(3) };
  return { ...labelOne(path, 0, bars.length, 100, 10, newOutcome()) };
}

const QUIET: [number, number, number, number] = [100, 101, 99, 100.5];

describe("one entry between its barriers", () => {
  it("exits long at the upper barrier's price", () => {
    expect(label([QUIET, [100, 112, 99, 111], QUIET])).toEqual({ label: 1, exit: 1, price: 110, kind: EXIT.upper });
  });
  it("exits short at the lower barrier's price", () => {
    expect(label([[100, 101, 88, 95]])).toEqual({ label: -1, exit: 0, price: 90, kind: EXIT.lower });
  });
  it("counts a high that equals the barrier as a touch", () => {
    expect(label([[100, 110, 99, 100]])).toMatchObject({ label: 1, price: 110 });
  });
  it("exits at the open where the market gapped above", () => {
    expect(label([QUIET, [113, 115, 85, 100]])).toEqual({ label: 1, exit: 1, price: 113, kind: EXIT.upperGap });
  });
  it("exits at the open where the market gapped below", () => {
    expect(label([QUIET, [80, 120, 79, 100]])).toEqual({ label: -1, exit: 1, price: 80, kind: EXIT.lowerGap });
  });
  it("does not call an open exactly on the barrier a gap", () => {
    expect(label([[110, 111, 85, 100]])).toMatchObject({ label: 1, price: 110, kind: EXIT.upper });
  });
  it("is neutral at the bar's close where both barriers lie inside one bar", () => {
    expect(label([[100, 111, 89, 107], QUIET])).toEqual({ label: 0, exit: 0, price: 107, kind: EXIT.both });
  });
  it("is neutral at the last close where nothing is touched", () => {
    expect(label([QUIET, QUIET, QUIET])).toEqual({ label: 0, exit: 2, price: 100.5, kind: EXIT.vertical });
  });
  it("sees a touch in the last bar before the vertical barrier", () => {
    expect(label([QUIET, [100, 110.5, 99, 100]])).toMatchObject({ label: 1, exit: 1 });
  });
});

describe("the barrier distance", () => {
  it("is k times ATR times the root of the horizon", () => {
    expect(barrierDistance(0.5, 4, 25, 100)).toBe(10);
  });
  it("does not exist without a range", () => {
    expect(barrierDistance(0.5, 0, 20, 100)).toBeNaN();
    expect(barrierDistance(0.5, Number.NaN, 20, 100)).toBeNaN();
    expect(barrierDistance(0.5, 1e-12, 20, 100)).toBeNaN();
  });
});
