import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classesIn } from "../../src/evaluation/index.js";
import { fitWeights, priorShift, scaleToMeanOne } from "../../src/training/weights.js";

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const labels = fc.array(fc.constantFrom(-1, 0, 1), { minLength: 2, maxLength: 200 }).map((y) => Int8Array.from(y));
const positive = fc.float({ min: Math.fround(0.01), max: 100, noNaN: true });

describe("the weights of a fit", () => {
  it("have mean 1 and keep their ratios", () => {
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1, maxLength: 300 }), (values) => {
        const scaled = scaleToMeanOne(Float32Array.from(values));
        expect(mean(scaled)).toBeCloseTo(1, 4);
        expect(scaled.at(-1)! / scaled[0]!).toBeCloseTo(Math.fround(values.at(-1)!) / Math.fround(values[0]!), 2);
      }),
    );
  });

  it("are absent when every row weighs the same", () => {
    expect(fitWeights(Int8Array.of(-1, 0, 1), undefined, "none")).toBeNull();
    expect(fitWeights(Int8Array.of(-1, 0), Float32Array.of(3, 3), "none")).toBeNull();
  });

  it("balanced: give every class that is present the same total", () => {
    fc.assert(
      fc.property(labels, (y) => {
        const weights = fitWeights(y, undefined, "balanced")!;
        const totals = classesIn(y).map((label) =>
          weights.reduce((sum, w, row) => sum + (y[row] === label ? w : 0), 0),
        );
        for (const total of totals) expect(total / totals[0]!).toBeCloseTo(1, 3);
        expect(mean(weights)).toBeCloseTo(1, 4);
      }),
    );
  });

  it("balanced: the prior shift turns uniform probabilities back into the training shares", () => {
    const y = Int8Array.of(-1, -1, -1, -1, -1, -1, 0, 1, 1, 1);
    const scale = priorShift(y, undefined);
    const total = scale.reduce((sum, factor) => sum + factor / 3, 0);
    expect(scale.map((factor) => factor / 3 / total)).toEqual([0.6, 0.1, 0.3].map((share) => expect.closeTo(share, 6)));
  });

  it("balanced: a class that is absent stays at zero", () => {
    expect(priorShift(Int8Array.of(-1, 1, 1), undefined)[1]).toBe(0);
  });
});
