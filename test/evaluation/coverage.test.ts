import { describe, expect, it } from "vitest";
import { modelRows } from "../../bench/lib/modelRows.js";
import { coverageReport, fitConformal, predictionSets } from "../../src/evaluation/index.js";

describe("a coverage report", () => {
  //                          covered  covered  no       empty    covered
  const y = Int8Array.of(-1, 0, 0, -1, 0);
  const sets = Uint8Array.of(1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1);
  const report = coverageReport({ y, sets, durations: [1, 1, 1, 1, 1] }, { level: 0.9, seed: 1, slices: 2 });

  it("says what was promised and what was covered, over time and by class", () => {
    expect(report).toMatchObject({ level: 0.9, rows: 5, coverage: 3 / 5 });
    expect(report.slices).toEqual([
      { start: 0, end: 2, coverage: 1 },
      { start: 2, end: 5, coverage: 1 / 3 },
    ]);
    expect(report.byClass).toEqual([
      { label: -1, rows: 2, coverage: 1 / 2 },
      { label: 0, rows: 3, coverage: 2 / 3 },
      { label: 1, rows: 0, coverage: null },
    ]);
  });

  it("says how large sets are, and how often a single class is right", () => {
    expect(report).toMatchObject({ meanSize: 7 / 5, emptyShare: 1 / 5, singleShare: 2 / 5, singleCoverage: 1 / 2 });
    const full = coverageReport({ y, sets: sets.slice().fill(1), durations: [1, 1, 1, 1, 1] }, { level: 0.9, seed: 1 });
    expect(full).toMatchObject({ coverage: 1, interval: { lower: 1, upper: 1 }, meanSize: 3, singleCoverage: null });
    expect(full.slices).toHaveLength(5);
  });

  it("has an interval that holds the promise on most markets on which the promise holds, and is plain JSON", () => {
    const seeds = Array.from({ length: 30 }, (_, i) => i + 1);
    const reports = seeds.map((seed) => {
      const { y, p } = modelRows(4_000, { seed, spread: 1, truth: 1 });
      const conformal = fitConformal(y.slice(0, 3_000), p.slice(0, 9_000), { level: 0.9, kind: "plain" });
      const own = {
        y: y.slice(3_000),
        sets: predictionSets(conformal, p.slice(9_000)),
        durations: new Uint8Array(1_000).fill(5),
      };
      return coverageReport(own, { level: 0.9, seed });
    });
    const held = reports.filter(({ interval }) => interval.lower <= 0.9 && interval.upper >= 0.9);
    expect(held.length).toBeGreaterThanOrEqual(25);
    for (const each of reports) {
      expect(each.bootstrap.block).toBe(15);
      expect(each.interval.upper - each.interval.lower).toBeLessThan(0.06);
      expect(JSON.parse(JSON.stringify(each))).toEqual(each);
    }
  });

  it("is refused, with a remedy, for other rows, labels that are none, levels and slices that cannot be", () => {
    const durations = new Uint8Array(5);
    for (const [code, call] of [
      ["usage.conformal_level", () => coverageReport({ y, sets, durations }, { level: 0, seed: 1 })],
      ["usage.coverage_slices", () => coverageReport({ y, sets, durations }, { level: 0.9, seed: 1, slices: 0 })],
      ["data.no_rows", () => coverageReport({ y, sets: new Uint8Array(), durations }, { level: 0.9, seed: 1 })],
      ["data.shape_mismatch", () => coverageReport({ y, sets: sets.slice(1), durations }, { level: 0.9, seed: 1 })],
      ["data.shape_mismatch", () => coverageReport({ y, sets, durations: [1] }, { level: 0.9, seed: 1 })],
      ["data.bad_label", () => coverageReport({ y: y.map(() => -128), sets, durations }, { level: 0.9, seed: 1 })],
    ] as const) {
      expect(call, code).toThrow(expect.objectContaining({ code, remedy: expect.stringMatching(/.{20}/) }));
    }
  });
});
