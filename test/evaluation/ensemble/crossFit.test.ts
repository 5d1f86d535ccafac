import { describe, expect, it } from "vitest";
import {
  type BaseRows,
  type CrossFitFold,
  constantProbabilities,
  crossFit,
  crossFitted,
  fitVotingWeights,
  priorOf,
  softVote,
} from "../../../src/evaluation/index.js";
import { places } from "../../../src/types/index.js";
import { purgedKFold } from "../../../src/validation/index.js";
import { goldenRows, lossOf, market, refusal } from "./market.js";

const { y, bases } = goldenRows;
const rowsOf = (...rows: number[]): Int32Array => Int32Array.from(rows);

/** Five folds over n rows in time order, none purged: the labels of these rows do not overlap. */
const plainFolds = (n: number): CrossFitFold[] =>
  Array.from({ length: 5 }, (_, f) => ({
    train: places(n).filter((row) => Math.floor((5 * row) / n) !== f),
    test: places(n).filter((row) => Math.floor((5 * row) / n) === f),
  }));
const folds = plainFolds(y.length);

const vote = ({ y: own, bases: some, rows }: BaseRows) => {
  const { weights } = fitVotingWeights(own, some, { effectiveLabels: rows.length, shrinkage: 1 });
  return (tested: BaseRows["bases"]) => softVote(tested, weights);
};

describe("crossFitted", () => {
  it("answers each row by the fit of the fold that tests it", () => {
    const { rows, p } = crossFitted(y, bases, folds, vote);
    expect(rows).toEqual(places(y.length));
    folds.forEach(({ train, test }) => {
      const fit = { y: y.filter((_, row) => train.includes(row)), bases: [] as BaseRows["bases"] };
      for (const { name, p: all } of bases) {
        fit.bases.push({ name, p: all.filter((_, at) => train.includes(Math.floor(at / 3))) as Float64Array });
      }
      const { weights } = fitVotingWeights(fit.y, fit.bases, { effectiveLabels: train.length, shrinkage: 1 });
      const all = softVote(bases, weights);
      for (const row of test) expect(p.slice(3 * row, 3 * row + 3)).toEqual(all.slice(3 * row, 3 * row + 3));
    });
  });

  it("never lets a row's label reach its own answer", () => {
    const before = crossFitted(y, bases, folds, vote).p;
    folds.forEach(({ test }) => {
      const changed = y.slice();
      for (const row of test) changed[row] = ((changed[row]! + 2) % 3) - 1;
      const after = crossFitted(changed, bases, folds, vote).p;
      const [from, to] = [3 * test[0]!, 3 * test.at(-1)! + 3];
      expect(after.slice(from, to)).toEqual(before.slice(from, to));
      expect(after).not.toEqual(before);
    });
  });

  it("does not show the gain that the fit itself shows on noise", () => {
    const horizon = 10;
    const n = 1_000;
    const noise = market(n, { bases: 8, horizon, seed: 5 });
    const t = Float64Array.from(places(n));
    const ends = t.map((each) => each + horizon);
    const purged = purgedKFold({ timestamps: t, ends, rows: places(n), embargo: 0 }, 5);
    const unshrunk = ({ y: own, bases: some }: BaseRows): number[] =>
      fitVotingWeights(own, some, { effectiveLabels: n / horizon, shrinkage: 0 }).weights;
    const inSample = softVote(noise.bases, unshrunk({ ...noise, rows: places(n) }));
    const { p, rows } = crossFitted(noise.y, noise.bases, purged, (train) => {
      const weights = unshrunk(train);
      return (tested) => softVote(tested, weights);
    });
    const equal = lossOf(noise.y, softVote(noise.bases));
    expect(rows).toHaveLength(n);
    expect(lossOf(noise.y, inSample)).toBeLessThan(equal);
    expect(lossOf(noise.y, p)).toBeGreaterThan(equal);
  });
});

describe("crossFit", () => {
  it("leaves out rows that no fold tests, and returns the others ascending", () => {
    const walk = [
      { train: rowsOf(0, 1), test: rowsOf(5, 4) },
      { train: rowsOf(0, 1, 2), test: rowsOf(3) },
    ];
    const { rows, p } = crossFit(7, walk, (train) => (test) => {
      const answers = new Float64Array(3 * test.length);
      test.forEach((row, i) => {
        answers.set([row / 10, train.length / 10, 1 - (row + train.length) / 10], 3 * i);
      });
      return answers;
    });
    expect([...rows]).toEqual([3, 4, 5]);
    expect([...p].map((each) => Number(each.toFixed(6)))).toEqual([0.3, 0.3, 0.4, 0.4, 0.2, 0.4, 0.5, 0.2, 0.3]);
  });

  it("refuses folds that leak, overlap, are empty or of other rows", () => {
    const prior = (train: Int32Array) => {
      const shares = priorOf(y.filter((_, row) => train.includes(row)));
      return (test: Int32Array) => constantProbabilities(shares, test.length);
    };
    const bad: CrossFitFold[][] = [
      [],
      [{ train: rowsOf(0, 1), test: rowsOf(1, 2) }],
      [{ train: rowsOf(), test: rowsOf(1) }],
      [{ train: rowsOf(0), test: rowsOf() }],
      [{ train: rowsOf(0), test: rowsOf(4) }],
      [{ train: rowsOf(-1), test: rowsOf(1) }],
      [
        { train: rowsOf(0), test: rowsOf(1) },
        { train: rowsOf(2), test: rowsOf(1) },
      ],
    ];
    for (const each of bad) expect(refusal(() => crossFit(4, each, prior))).toBe("usage.folds");
    const good = [{ train: rowsOf(0, 3), test: rowsOf(1, 2) }];
    expect(crossFit(4, good, prior).rows).toEqual(rowsOf(1, 2));
    expect(refusal(() => crossFit(4, good, () => () => new Float64Array(3)))).toBe("data.shape_mismatch");
    expect(refusal(() => crossFitted(y, bases.slice(0, 1), folds, vote))).toBe("config.too_few_bases");
  });
});
