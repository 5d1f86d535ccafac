import { describe, expect, it } from "vitest";
import { againstBest, commonRows, type RowResults, rowResults, sameLabels } from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

/** A model that answered rows at these times. */
const answered = (timestamps: number[], labels: number[], ofLabel: number[]): RowResults =>
  rowResults({
    timestamps: Float64Array.from(timestamps),
    labelEnds: Float64Array.from(timestamps, (time) => time + 2),
    labels: Int8Array.from(labels),
    p: Float64Array.from(
      labels.flatMap((label, i) => [-1, 0, 1].map((k) => (k === label ? ofLabel[i]! : (1 - ofLabel[i]!) / 2))),
    ),
  });

describe("what a model lost on its rows", () => {
  it("is in time order, a row once, by the mean of its answers", () => {
    const found = answered([30, 10, 20, 10], [1, 0, -1, 0], [0.5, 0.25, 0.8, 1]);
    expect([...found.timestamps]).toEqual([10, 20, 30]);
    expect([...found.labelEnds]).toEqual([12, 22, 32]);
    expect([...found.labels]).toEqual([0, -1, 1]);
    expect(found.loss[0]).toBeCloseTo(-Math.log(0.25) / 2, 12);
    expect(found.loss[1]).toBeCloseTo(-Math.log(0.8), 12);
    expect(found.loss[2]).toBeCloseTo(-Math.log(0.5), 12);
  });

  it("is compared on the rows that all have answered", () => {
    const models = [
      answered([1, 2, 3, 5], [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.5]),
      answered([5, 3, 2], [1, 1, 0], [0.6, 0.7, 0.8]),
      answered([2, 3, 4, 5], [0, 1, 0, 1], [0.9, 0.9, 0.9, 0.9]),
    ];
    const { timestamps, labels, losses } = commonRows(models);
    expect([...timestamps]).toEqual([2, 3, 5]);
    expect([...labels]).toEqual([0, 1, 1]);
    const exponents = losses.map((loss) => Array.from(loss, (value) => Math.exp(-value)));
    expect(exponents).toEqual(
      [
        [0.2, 0.3, 0.5],
        [0.8, 0.7, 0.6],
        [0.9, 0.9, 0.9],
      ].map((each) => each.map((value) => expect.closeTo(value, 12))),
    );
    expect(commonRows([models[0]!, answered([9], [0], [0.5])]).timestamps).toHaveLength(0);
  });

  it("is an answer to the same question where the labels of common rows are the same, and there are such rows", () => {
    const one = answered([1, 2, 3], [0, 1, 1], [0.5, 0.5, 0.5]);
    expect(sameLabels(one, answered([3, 2, 7], [1, 1, -1], [0.4, 0.4, 0.4]))).toBe(true);
    expect(sameLabels(one, answered([3, 2], [1, -1], [0.4, 0.4]))).toBe(false);
    expect(sameLabels(one, answered([7], [0], [0.4]))).toBe(false);
  });
});

describe("models beside the best-placed", () => {
  const random = seededRandom(5);
  const shared = Float64Array.from({ length: 3000 }, () => 1 + 0.3 * random.normal());
  const durations = new Float64Array(3000).fill(10);
  const model = (worse: number): Float64Array => shared.map((value) => value + worse + 0.1 * random.normal());

  it("are told apart by what they differ in, not by what is hard for all of them", () => {
    const { best, behind, bootstrap } = againstBest([model(0.03), model(0), model(0.004)], { durations, seed: 7 });
    expect([best, behind[best]]).toEqual([1, null]);
    // The losses themselves vary by 0.3: unpaired, 0.03 would be lost in an interval of ±0.02.
    expect(behind[0]).toMatchObject({ verdict: "YES", difference: expect.closeTo(0.03, 2) });
    expect(behind[0]!.interval.lower).toBeGreaterThan(0.02);
    expect(behind[0]!.interval.upper).toBeLessThan(0.04);
    expect(behind[2]!.verdict).toBe("NOT SHOWN");
    expect(bootstrap).toMatchObject({ block: 30, blocks: 100, unreliable: false });
  });
});
