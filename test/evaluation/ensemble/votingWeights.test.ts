import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitVotingWeights, type Interval, softVote } from "../../../src/evaluation/index.js";
import { againstPrior, base, between, golden, goldenRows, lossOf, market, refusal, softmax } from "./market.js";

/** The penalised loss as the doc comment has it, by way of the votes themselves. */
function penalised({ y, bases }: typeof goldenRows, weights: number[], effective: number, shrinkage: number): number {
  const divergence = weights.reduce((sum, weight) => sum - Math.log(weight * weights.length) / weights.length, 0);
  return lossOf(y, softVote(bases, weights)) + (shrinkage > 0 ? (shrinkage / effective) * divergence : 0);
}

/** How many equal bases the weights are worth (Kish). */
const basesWorth = (weights: number[]): number => 1 / weights.reduce((sum, weight) => sum + weight ** 2, 0);

describe("fitVotingWeights", () => {
  it.each(golden.voting)(
    "finds the weights that scipy's SLSQP finds: shrinkage $shrinkage, $effectiveLabels labels",
    ({ effectiveLabels, shrinkage, weights, logLoss }) => {
      const fitted = fitVotingWeights(goldenRows.y, goldenRows.bases, { effectiveLabels, shrinkage });
      expect(fitted.weights).toEqual(weights.map((weight) => expect.closeTo(weight, 5)));
      expect(fitted.logLoss).toBeCloseTo(logLoss, 6);
      expect(fitted.reason).toBeNull();
    },
  );

  it.each([0, 3, 10])(
    "is at least as good as any point of a grid over two and three bases: shrinkage %d",
    (shrinkage) => {
      const steps = 60;
      for (const chosen of [
        [0, 2],
        [2, 3],
        [0, 1, 3],
        [1, 2, 3],
      ]) {
        const rows = { y: goldenRows.y, bases: chosen.map((b) => goldenRows.bases[b]!) };
        const { weights } = fitVotingWeights(rows.y, rows.bases, { effectiveLabels: 160, shrinkage });
        const own = penalised(rows, weights, 160, shrinkage);
        let [best, near] = [Number.POSITIVE_INFINITY, weights];
        for (let i = 0; i <= steps; i++) {
          for (let j = 0; j <= (chosen.length === 2 ? 0 : steps - i); j++) {
            const point = chosen.length === 2 ? [i, steps - i] : [i, j, steps - i - j];
            const share = point.map((part) => part / steps);
            const loss = penalised(rows, share, 160, shrinkage);
            if (loss < best) [best, near] = [loss, share];
          }
        }
        expect(own).toBeLessThanOrEqual(best + 1e-8);
        expect(weights).toEqual(near.map((share) => expect.closeTo(share, 1)));
        expect(Math.max(...weights.map((weight, b) => Math.abs(weight - near[b]!)))).toBeLessThan(2 / steps);
      }
    },
  );

  it("leaves ten noise models near equal on 1 500 overlapping rows; without shrinkage they lose on fresh rows", () => {
    const parts = [1, 2, 3, 4, 5, 6].map((seed) => {
      const all = market(6_000, { bases: 10, horizon: 20, seed });
      return { fit: between(all, 0, 1_500), fresh: between(all, 1_520, 6_000) };
    });
    const against = (shrinkage?: number): Interval =>
      againstPrior(
        parts.map(({ fit, fresh }) => {
          const options = { effectiveLabels: 1_500 / 20, ...(shrinkage === undefined ? {} : { shrinkage }) };
          const { weights } = fitVotingWeights(fit.y, fit.bases, options);
          if (shrinkage === undefined) expect(basesWorth(weights)).toBeGreaterThan(9);
          else expect(basesWorth(weights)).toBeLessThan(6.5);
          return { fitted: fit.y, scored: fresh.y, p: softVote(fresh.bases, weights) };
        }),
        60,
      );
    expect(against().lower).toBeLessThan(0);
    expect(against().upper).toBeLessThan(0.015);
    expect(against(0).lower).toBeGreaterThan(0);
  });

  it("gives most weight to the good one of a good and a bad base, the more the more labels there are", () => {
    const { y, bases } = market(2_000, { bases: 2, good: 1, horizon: 1, seed: 3 });
    const [few, many] = [100, 2_000].map(
      (effectiveLabels) => fitVotingWeights(y, bases, { effectiveLabels }).weights[0]!,
    );
    expect(few).toBeGreaterThan(0.5);
    expect(many).toBeGreaterThan(0.8);
    expect(many).toBeGreaterThan(few!);
  });

  it("shares the weight among bases that say the same, whatever the shrinkage", () => {
    const { y, bases } = goldenRows;
    const twin = { name: "twin", p: Float32Array.from(bases[0]!.p) };
    for (const shrinkage of [0, 10]) {
      const { weights } = fitVotingWeights(y, [...bases, { ...twin, p: bases[0]!.p }], {
        effectiveLabels: 160,
        shrinkage,
      });
      expect(weights[4]).toBeCloseTo(weights[0]!, 9);
    }
    const single = fitVotingWeights(y, bases, { effectiveLabels: 160, shrinkage: 0 });
    const doubled = fitVotingWeights(y, [...bases, twin], { effectiveLabels: 160, shrinkage: 0 });
    expect(doubled.weights[0]! + doubled.weights[4]!).toBeCloseTo(single.weights[0]!, 5);
    expect(doubled.logLoss).toBeCloseTo(single.logLoss, 7);
  });

  it("fits nothing on fewer than 30 effective labels, and says so", () => {
    const { y, bases } = goldenRows;
    const { weights, reason, logLoss, equalLogLoss } = fitVotingWeights(y, bases, { effectiveLabels: 29.9 });
    expect(weights).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(reason).toBe("equal weights: 29.9 effective labels, at least 30 are needed to fit any");
    expect(logLoss).toBe(equalLogLoss);
    expect(logLoss).toBeCloseTo(lossOf(y, softVote(bases)), 12);
    const ones = y.map(() => 1);
    expect(fitVotingWeights(ones, bases, { effectiveLabels: 100 }).reason).toBe(
      "equal weights: every label is 1, two classes are needed to fit any",
    );
  });

  it("makes a distribution of weights that is at least as good as equal ones on its own rows", () => {
    const n = 40;
    const logits = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 3 * n, maxLength: 3 * n });
    const labels = fc.array(fc.constantFrom(-1, 0, 1), { minLength: n - 2, maxLength: n - 2 });
    const shrinkages = fc.constantFrom(0, 0.01, 1, 10, 1_000);
    fc.assert(
      fc.property(labels, fc.array(logits, { minLength: 2, maxLength: 6 }), shrinkages, (own, each, shrinkage) => {
        const some = each.map((values, b) => ({ name: `${b}`, p: softmax(Float64Array.from(values)) }));
        const fitted = fitVotingWeights(Int8Array.from([-1, 1, ...own]), some, { effectiveLabels: n, shrinkage });
        expect(Math.min(...fitted.weights)).toBeGreaterThanOrEqual(0);
        expect(fitted.weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12);
        expect(fitted.logLoss).toBeLessThanOrEqual(fitted.equalLogLoss + 1e-9);
      }),
    );
  });

  it("gives the same bits again, and survives bases that are sure and wrong", () => {
    const { y, bases } = goldenRows;
    const again = (): unknown => fitVotingWeights(y, bases, { effectiveLabels: 50 });
    expect(again()).toEqual(again());
    const wrong = base(
      "wrong",
      Array.from(y, (label) => (label === 1 ? [1, 0, 0] : [0, 0, 1])),
    );
    const { weights, logLoss } = fitVotingWeights(y, [wrong, bases[0]!], { effectiveLabels: 160, shrinkage: 0 });
    expect(weights[1]).toBeCloseTo(1, 6);
    expect(logLoss).toBeCloseTo(lossOf(y, bases[0]!.p), 6);
    const blind = fitVotingWeights(y, [wrong, { ...wrong, name: "blind" }], { effectiveLabels: 160 });
    expect(blind.weights).toEqual([0.5, 0.5]);
    expect(blind.logLoss).toBeCloseTo(-Math.log(1e-15), 9);
  });

  it("tells the loss that the vote has, also of rows that do not quite sum to 1", () => {
    const { y, bases } = goldenRows;
    const rough = bases.map(({ name, p }, b) => ({ name, p: p.map((value) => value * (1 - b * 3e-5)) }));
    const { weights, logLoss } = fitVotingWeights(y, rough, { effectiveLabels: 160 });
    expect(logLoss).toBeCloseTo(lossOf(y, softVote(rough, weights)), 12);
  });

  it("refuses labels and settings that mean nothing", () => {
    const { y, bases } = goldenRows;
    const settings = { effectiveLabels: 100 };
    expect(refusal(() => fitVotingWeights(y, bases.slice(1, 2), settings))).toBe("config.too_few_bases");
    expect(refusal(() => fitVotingWeights(y.slice(1), bases, settings))).toBe("data.shape_mismatch");
    expect(
      refusal(() =>
        fitVotingWeights(
          y.map(() => -128),
          bases,
          settings,
        ),
      ),
    ).toBe("data.bad_label");
    for (const shrinkage of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refusal(() => fitVotingWeights(y, bases, { ...settings, shrinkage }))).toBe("config.bad_value");
    }
    for (const effectiveLabels of [-1, Number.NaN, y.length + 1]) {
      expect(refusal(() => fitVotingWeights(y, bases, { effectiveLabels }))).toBe("config.bad_value");
    }
  });
});
