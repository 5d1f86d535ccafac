import { describe, expect, it } from "vitest";
import { evaluatePart, priorOf } from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

/** Rows whose class is drawn from the very probabilities that the model gives; `sharp` 0 makes it the prior. */
function rows(n: number, sharp: number) {
  const random = seededRandom(11);
  const y = new Int8Array(n);
  const p = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) {
    const up = 1 / 3 + sharp * (random.next() - 0.5);
    p.set([2 / 3 - up, 1 / 3, up], 3 * i);
    const u = random.next();
    y[i] = u < up ? 1 : u < up + 1 / 3 ? 0 : -1;
  }
  return { y, p, uniqueness: new Float32Array(n).fill(0.1), durations: new Float64Array(n).fill(10) };
}

const thirds: [number, number, number] = [1 / 3, 1 / 3, 1 / 3];
const all = [-1, 0, 1] as const;

describe("evaluatePart", () => {
  it("says YES of a model that knows", () => {
    const part = evaluatePart(rows(3000, 0.6), { prior: thirds, trainedClasses: all, seed: 7 });
    expect(part.verdict).toBe("YES");
    expect(part.headLine).toMatch(
      /^Beats the prior\? YES: log-loss better by 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\], effective n = 300$/,
    );
    expect(part.baseline.metrics.logLoss).toBeCloseTo(Math.log(3), 9);
    expect(part.comparison.difference).toBeCloseTo(part.metrics.logLoss - part.baseline.metrics.logLoss, 9);
    expect(part.bootstrap).toMatchObject({ block: 30, blocks: 100, unreliable: false });
  });

  it("says NOT SHOWN of the prior itself, rounded to float32", () => {
    const part = evaluatePart(rows(3000, 0), { prior: thirds, trainedClasses: all, seed: 7 });
    expect(part.verdict).toBe("NOT SHOWN");
    expect(part.comparison.difference).toBeCloseTo(0, 6);
  });

  it("says NO of a model that is sure and wrong", () => {
    const { y, ...rest } = rows(3000, 0.6);
    const part = evaluatePart(
      { y: y.map((label) => -label), ...rest },
      { prior: thirds, trainedClasses: all, seed: 7 },
    );
    expect(part.verdict).toBe("NO");
  });

  it("counts rows of a class that training lacked as errors, and shows the log-loss without them beside", () => {
    const y = Int8Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? 1 : i % 2 ? -1 : 0));
    const p = Float32Array.from({ length: 300 }, (_, i) => [0.5, 0.5, 0][i % 3]!);
    const part = evaluatePart(
      { y, p, uniqueness: new Float32Array(100).fill(1), durations: new Float64Array(100).fill(1) },
      { prior: [0.5, 0.5, 0], trainedClasses: [-1, 0], seed: 7 },
    );
    expect(part.metrics.logLoss).toBeGreaterThan(3);
    expect(part.trainedClassesOnly).toEqual({ logLoss: expect.closeTo(Math.LN2, 6), rowsLeftOut: 10 });
    expect(part.classCounts).toEqual([50, 40, 10]);
  });

  it("refuses uniqueness or durations of another length", () => {
    const part = rows(10, 0.1);
    expect(() => evaluatePart({ ...part, durations: [1] }, { prior: thirds, trainedClasses: all, seed: 7 })).toThrow(
      expect.objectContaining({ code: "data.shape_mismatch" }),
    );
  });
});

describe("priorOf", () => {
  it("is the unweighted class shares", () => {
    expect(priorOf(Int8Array.of(-1, 0, 0, 1, 1, 1, 1, 1))).toEqual([0.125, 0.25, 0.625]);
  });
  it("refuses no rows", () => {
    expect(() => priorOf(new Int8Array(0))).toThrow(expect.objectContaining({ code: "data.no_rows" }));
  });
});
