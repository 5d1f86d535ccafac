import { describe, expect, it } from "vitest";
import {
  constantProbabilities,
  evaluatePart,
  evaluateRepeats,
  lowerMedian,
  meanAndError,
} from "../../src/evaluation/index.js";
import { FoldwiseError, seededRandom } from "../../src/types/index.js";

const PRIOR: [number, number, number] = [0.3, 0.3, 0.4];
const N = 900;

/** Labels, and answers that know a little of them. */
function answers(seed: number) {
  const random = seededRandom(seed);
  const y = Int8Array.from({ length: N }, () => random.int(3) - 1);
  const p = new Float32Array(3 * N);
  y.forEach((label, i) => {
    const share = [random.next(), random.next(), random.next()];
    share[label + 1]! += 0.3;
    const sum = share.reduce((a, b) => a + b, 0);
    p.set(
      share.map((value) => value / sum),
      3 * i,
    );
  });
  const common = { uniqueness: new Float32Array(N).fill(0.25), durations: new Float64Array(N).fill(4) };
  return { y, p, common, prior: constantProbabilities(PRIOR, N) };
}

describe("out-of-fold answers", () => {
  const { y, p, common, prior } = answers(3);

  it("of one repeat and one prior are scored as a part is", () => {
    const one = evaluateRepeats({ y, repeats: [{ p, prior }], ...common }, { seed: 7 });
    const part = evaluatePart({ y, p, ...common }, { prior: PRIOR, trainedClasses: [-1, 0, 1], seed: 7 });
    expect(one.metrics[0]).toEqual(part.metrics);
    expect(one.baseline[0]).toEqual(part.baseline.metrics);
    expect(one.comparison).toEqual(part.comparison);
    expect([one.headLine, one.intervals]).toEqual([part.headLine, part.intervals]);
  });

  it("that are repeated narrow no interval", () => {
    const one = evaluateRepeats({ y, repeats: [{ p, prior }], ...common }, { seed: 7 });
    const thrice = evaluateRepeats({ y, repeats: [1, 2, 3].map(() => ({ p, prior })), ...common }, { seed: 7 });
    expect(thrice.comparison.interval.lower).toBeCloseTo(one.comparison.interval.lower, 12);
    expect(thrice.comparison.interval.upper).toBeCloseTo(one.comparison.interval.upper, 12);
    expect(thrice.comparison.effectiveN).toBe(one.comparison.effectiveN);
  });

  it("are compared with the prior of their own fold, row by row", () => {
    const own = constantProbabilities([0.2, 0.2, 0.6], N).map((share, i) => (i < 3 * 450 ? share : prior[i]!));
    const { baseline } = evaluateRepeats({ y, repeats: [{ p, prior: own }], ...common }, { seed: 7 });
    const half = (share: number[], from: number, to: number): number =>
      y.subarray(from, to).reduce((sum, label) => sum - Math.log(share[label + 1]!), 0);
    const loss = (half([0.2, 0.2, 0.6], 0, 450) + half(PRIOR, 450, N)) / N;
    expect(baseline[0]?.logLoss).toBeCloseTo(loss, 9);
  });

  it("must be there", () => {
    expect(() => evaluateRepeats({ y, repeats: [], ...common }, { seed: 7 })).toThrow(FoldwiseError);
  });
});

describe("figures over folds", () => {
  it("have a mean and its standard error, one alone has none", () => {
    const { mean, standardError } = meanAndError([1, 2, 6]);
    expect(mean).toBe(3);
    expect(standardError).toBeCloseTo(Math.sqrt(7 / 3), 12);
    expect(meanAndError([5])).toEqual({ mean: 5, standardError: null });
  });

  it("have a median that is one of them", () => {
    expect(lowerMedian([9, 1, 5])).toBe(5);
    expect(lowerMedian([9, 1, 5, 7])).toBe(5);
    expect(lowerMedian([])).toBeNull();
  });
});
