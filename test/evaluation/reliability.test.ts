import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classwiseEce, reliabilityTable } from "../../src/evaluation/index.js";
import { ece, simulate } from "./simulatedMarket.js";

interface GoldenCase {
  name: string;
  y: number[];
  p: number[];
  w: number[] | null;
  classwiseEce: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/calibration/golden.json", import.meta.url), "utf8"),
) as GoldenCase[];

describe("reliabilityTable", () => {
  it("counts rows, mean confidence and accuracy by bins that own their upper edge", () => {
    const y = Int8Array.of(-1, 1, 0, 0);
    const p = Float64Array.of(0.5, 0.3, 0.2, 0.6, 0.2, 0.2, 0.1, 0.75, 0.15, 0, 1, 0);
    expect(reliabilityTable(y, p, 4)).toEqual([
      { lower: 0, upper: 0.25, count: 0, confidence: null, accuracy: null },
      { lower: 0.25, upper: 0.5, count: 1, confidence: 0.5, accuracy: 1 },
      { lower: 0.5, upper: 0.75, count: 2, confidence: expect.closeTo(0.675, 12), accuracy: 0.5 },
      { lower: 0.75, upper: 1, count: 1, confidence: 1, accuracy: 1 },
    ]);
  });

  it("sums to the expected calibration error", () => {
    const { y, raw } = simulate(500, { signal: 1, sharpness: 2 }, 2);
    const bins = reliabilityTable(y, raw);
    const gaps = bins.map(
      ({ count, confidence, accuracy }) => (count * Math.abs((accuracy ?? 0) - (confidence ?? 0))) / 500,
    );
    expect(gaps.reduce((a, b) => a + b)).toBeCloseTo(ece(y, raw), 12);
  });

  it.each([0, 2.5, Number.NaN])("refuses %d bins", (bins) => {
    expect(() => reliabilityTable(Int8Array.of(0), Float64Array.of(0.2, 0.3, 0.5), bins)).toThrow(
      expect.objectContaining({ code: "data.bad_bins", remedy: expect.any(String) }),
    );
  });
});

describe("classwiseEce", () => {
  for (const { name, y, p, w, classwiseEce: expected } of golden) {
    it(`agrees with its definition: ${name}`, () => {
      const weights = w === null ? undefined : Float64Array.from(w);
      expect(classwiseEce(Int8Array.from(y), Float64Array.from(p), weights)).toBeCloseTo(expected, 12);
    });
  }

  it("sees a class that is said too often, where the confidence does not show it", () => {
    // −1 is said with 0.6 and right six times in ten; the rest goes to 1, and what happens is 0.
    const y = Int8Array.of(-1, -1, -1, -1, -1, -1, 0, 0, 0, 0);
    const p = Float64Array.from([...y].flatMap(() => [0.6, 0, 0.4]));
    expect(ece(y, p)).toBeCloseTo(0, 12);
    expect(classwiseEce(y, p)).toBeCloseTo((0 + 0.4 + 0.4) / 3, 12);
  });

  it("refuses a weight of 0", () => {
    expect(() => classwiseEce(Int8Array.of(0), Float64Array.of(0.2, 0.3, 0.5), Float64Array.of(0))).toThrow(
      expect.objectContaining({ code: "data.bad_weight" }),
    );
  });
});
