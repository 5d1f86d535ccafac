import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classificationMetrics, constantProbabilities, logLossOfTrained } from "../../src/evaluation/index.js";

interface GoldenCase {
  name: string;
  y: number[];
  p: number[];
  w: number[] | null;
  expected: Record<string, unknown>;
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/metrics/golden.json", import.meta.url), "utf8"),
) as GoldenCase[];

/** Rows with any labels and any distributions. */
const scored = fc
  .array(fc.tuple(fc.constantFrom(-1, 0, 1), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 })), {
    minLength: 1,
    maxLength: 60,
  })
  .map((rows) => ({
    y: Int8Array.from(rows, ([label]) => label),
    p: Float64Array.from(
      rows.flatMap(([, a, b]) => {
        const total = a + b + 50;
        return [a / total, b / total, 50 / total];
      }),
    ),
  }));

const close = (value: unknown): unknown =>
  typeof value === "number"
    ? expect.closeTo(value, 9)
    : Array.isArray(value)
      ? value.map(close)
      : Object.fromEntries(Object.entries(value as object).map(([key, part]) => [key, close(part)]));

describe("classificationMetrics", () => {
  for (const { name, y, p, w, expected } of golden) {
    it(`agrees with scikit-learn: ${name}`, () => {
      const metrics = classificationMetrics(
        Int8Array.from(y),
        Float64Array.from(p),
        w === null ? undefined : Float64Array.from(w),
      );
      expect(metrics).toEqual(close(expected));
    });
  }

  it("puts a confidence that lies on an edge of the calibration bins into the lower one", () => {
    // 0.58, 0.6 = 9/15 and 0.62: wrong, right, right. Bins (8/15, 9/15] and (9/15, 10/15].
    const y = Int8Array.of(1, -1, -1);
    const p = Float64Array.from([0.58, 0.6, 0.62].flatMap((confidence) => [confidence, 1 - confidence, 0]));
    const { ece } = classificationMetrics(y, p);
    expect(ece).toBeCloseTo((Math.abs(-0.58 + 0.4) + 0.38) / 3, 12);
    // The first bin below the edge is as wide: 0.54 still belongs to it, 0.53 does not.
    const gaps = (confidence: number): number =>
      classificationMetrics(
        Int8Array.of(1, -1),
        Float64Array.from([confidence, 0.6].flatMap((share) => [share, 1 - share, 0])),
      ).ece;
    expect(gaps(0.54)).toBeCloseTo(Math.abs(-0.54 + 0.4) / 2, 12);
    expect(gaps(0.53)).toBeCloseTo((0.53 + 0.4) / 2, 12);
  });

  it("does not depend on the order of the rows", () => {
    fc.assert(
      fc.property(scored, fc.integer(), ({ y, p }, seed) => {
        const order = [...y.keys()].sort((a, b) => Math.sin(a * 7 + seed) - Math.sin(b * 7 + seed));
        const shuffled = classificationMetrics(
          Int8Array.from(order, (i) => y[i]!),
          Float64Array.from(order.flatMap((i) => [...p.slice(3 * i, 3 * i + 3)])),
        );
        expect(shuffled).toEqual(close(classificationMetrics(y, p)));
      }),
    );
  });

  it("with equal weights of any size equals the unweighted figures", () => {
    fc.assert(
      fc.property(scored, fc.double({ min: 0.01, max: 100, noNaN: true }), ({ y, p }, weight) => {
        const { confusionMatrix: _m, classScores: _c, ...plain } = classificationMetrics(y, p);
        const weighted = classificationMetrics(y, p, new Float64Array(y.length).fill(weight));
        expect(weighted).toMatchObject(close(plain) as object);
      }),
    );
  });

  it("stays within the bounds of every score", () => {
    fc.assert(
      fc.property(scored, ({ y, p }) => {
        const m = classificationMetrics(y, p);
        for (const score of [m.accuracy, m.precision, m.recall, m.f1, m.ece, m.brier / 2, Math.abs(m.mcc)]) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1 + 1e-12);
        }
        expect(m.logLoss).toBeGreaterThanOrEqual(0);
        expect(m.logLoss).toBeLessThanOrEqual(-Math.log(1e-15));
      }),
    );
  });

  it("scores perfect predictions as perfect", () => {
    const y = Int8Array.from([-1, 0, 1, 1, 0, -1]);
    const p = Float32Array.from([...y].flatMap((label) => [-1, 0, 1].map((k) => (k === label ? 1 : 0))));
    expect(classificationMetrics(y, p)).toMatchObject({
      accuracy: 1,
      precision: 1,
      recall: 1,
      f1: 1,
      logLoss: 0,
      brier: 0,
      mcc: 1,
      ece: 0,
    });
  });

  it("scores uniform predictions at ln 3, with no correlation", () => {
    const y = Int8Array.from([-1, 0, 1, 1, 0, -1]);
    const m = classificationMetrics(y, constantProbabilities([1 / 3, 1 / 3, 1 / 3], 6));
    expect(m.logLoss).toBeCloseTo(Math.log(3), 12);
    expect(m.brier).toBeCloseTo(2 / 3, 12);
    expect(m.mcc).toBe(0);
    expect(m.ece).toBeCloseTo(0, 12);
  });

  it("clips a class of probability 0 that happens at 1e-15", () => {
    const m = classificationMetrics(Int8Array.of(1), Float32Array.of(0.5, 0.5, 0));
    expect(m.logLoss).toBeCloseTo(34.538776394910684, 9);
  });

  it.each([
    ["no rows", [], [], undefined, "data.no_rows"],
    ["a context row", [-128], [0.2, 0.3, 0.5], undefined, "data.bad_label"],
    ["a wrong length", [0], [0.5, 0.5], undefined, "data.shape_mismatch"],
    ["NaN", [0], [Number.NaN, 0.5, 0.5], undefined, "data.bad_probabilities"],
    ["a row that sums to 2", [0], [1, 0.5, 0.5], undefined, "data.bad_probabilities"],
    ["a negative probability", [0], [-0.5, 1, 0.5], undefined, "data.bad_probabilities"],
    ["a weight of 0", [0], [0.2, 0.3, 0.5], [0], "data.bad_weight"],
    ["a weight too few", [0], [0.2, 0.3, 0.5], [], "data.shape_mismatch"],
  ])("refuses %s", (_name, y, p, w, code) => {
    expect(() =>
      classificationMetrics(
        Int8Array.from(y),
        Float64Array.from(p),
        w === undefined ? undefined : Float64Array.from(w),
      ),
    ).toThrow(expect.objectContaining({ code, remedy: expect.any(String) }));
  });
});

describe("logLossOfTrained", () => {
  it("leaves out and counts the rows of classes that training lacked", () => {
    const y = Int8Array.of(-1, 0, 1);
    const p = Float64Array.of(0.5, 0.5, 0, 0.5, 0.5, 0, 0.5, 0.5, 0);
    expect(logLossOfTrained(y, p, [-1, 0])).toEqual({ logLoss: expect.closeTo(Math.LN2, 12), rowsLeftOut: 1 });
  });

  it("is null when no row is left", () => {
    expect(logLossOfTrained(Int8Array.of(1), Float64Array.of(0.5, 0.5, 0), [-1, 0])).toEqual({
      logLoss: null,
      rowsLeftOut: 1,
    });
  });
});
