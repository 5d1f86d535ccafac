import { describe, expect, it } from "vitest";
import { applyMetaLogistic, fitMetaLogistic, type Interval, type MetaLogistic } from "../../../src/evaluation/index.js";
import { againstPrior, between, golden, goldenRows, lossOf, market, refusal } from "./market.js";

const { y, bases } = goldenRows;
const close = (values: number[], digits: number): unknown[] => values.map((value) => expect.closeTo(value, digits));

describe("fitMetaLogistic", () => {
  it.each(golden.meta)(
    "finds the minimum that scipy's BFGS finds: strength $strength, per class $perClass",
    ({ coefficients, bias, ...options }) => {
      const model = fitMetaLogistic(y, bases, options);
      expect(model.coefficients).toEqual(coefficients.map((own) => close(own, 5)));
      expect(model.bias).toEqual(close(bias, 5));
      expect(model.logLoss).toBeCloseTo(lossOf(y, applyMetaLogistic(model, bases)), 12);
      expect(model.reason).toBeNull();
    },
  );

  it("stays near equal weights on ten noise models and 1 500 overlapping rows, and without a ridge loses on fresh rows", () => {
    const parts = [1, 2, 3, 4, 5, 6].map((seed) => {
      const all = market(6_000, { bases: 10, horizon: 20, seed });
      return { fit: between(all, 0, 1_500), fresh: between(all, 1_520, 6_000) };
    });
    const learnt = (strength?: number): { interval: Interval; furthest: number } => {
      let furthest = 0;
      const answers = parts.map(({ fit, fresh }) => {
        const options = { effectiveLabels: 1_500 / 20, ...(strength === undefined ? {} : { strength }) };
        const model = fitMetaLogistic(fit.y, fit.bases, options);
        furthest = Math.max(furthest, ...model.coefficients.map(([own]) => Math.abs(own! - 0.1)));
        return { fitted: fit.y, scored: fresh.y, p: applyMetaLogistic(model, fresh.bases) };
      });
      return { interval: againstPrior(answers, 60), furthest };
    };
    const [ridged, free] = [learnt(), learnt(1e-6)];
    expect(ridged.interval.lower).toBeLessThan(0);
    expect(ridged.interval.upper).toBeLessThan(0.015);
    expect(free.interval.lower).toBeGreaterThan(0);
    expect(ridged.furthest).toBeLessThan(free.furthest / 2);
  });

  it("gives most weight to the good one of a good and a bad base", () => {
    const two = market(2_000, { bases: 2, good: 1, horizon: 1, seed: 3 });
    const { coefficients, logLoss } = fitMetaLogistic(two.y, two.bases, { effectiveLabels: 2_000 });
    expect(coefficients[0]![0]).toBeGreaterThan(2 * coefficients[1]![0]!);
    expect(logLoss).toBeLessThan(Math.min(...two.bases.map(({ p }) => lossOf(two.y, p))));
  });

  it("shares the weight among bases that say the same, and an all but endless ridge gives their geometric mean", () => {
    const twins = [bases[0]!, { ...bases[0]!, name: "twin" }];
    for (const perClass of [false, true]) {
      const { coefficients } = fitMetaLogistic(y, twins, { effectiveLabels: 100, strength: 2, perClass });
      expect(coefficients[1]).toEqual(close(coefficients[0]!, 9));
      const model = fitMetaLogistic(y, twins, { effectiveLabels: 100, strength: 1e12, perClass });
      expect([...applyMetaLogistic(model, twins)]).toEqual(close([...bases[0]!.p], 6));
    }
  });

  it("fits nothing on fewer than 30 effective labels, and says so", () => {
    const model = fitMetaLogistic(y, bases, { effectiveLabels: 10 });
    expect(model).toMatchObject({ coefficients: [[0.25], [0.25], [0.25], [0.25]], bias: [0, 0, 0] });
    expect(model.reason).toContain("10.0 effective labels");
  });

  it("is the same again after JSON, to the bit", () => {
    const model = fitMetaLogistic(y, bases, { effectiveLabels: 100, perClass: true });
    expect(fitMetaLogistic(y, bases, { effectiveLabels: 100, perClass: true })).toEqual(model);
    const read = JSON.parse(JSON.stringify(model)) as MetaLogistic;
    expect(applyMetaLogistic(read, bases)).toEqual(applyMetaLogistic(model, bases));
  });

  it("is not thrown off by bases that are sure", () => {
    const right = Float64Array.from([...y].flatMap((label) => [-1, 0, 1].map((each) => (each === label ? 1 : 0))));
    const wrong = Float64Array.from([...y].flatMap((label) => [1, -1, 0].map((each) => (each === label ? 1 : 0))));
    const sure = [
      { name: "right", p: right },
      { name: "wrong", p: wrong },
    ];
    const model = fitMetaLogistic(y, sure, { effectiveLabels: 100, strength: 1 });
    expect(model.logLoss).toBeLessThan(0.01);
    for (const value of applyMetaLogistic(model, sure)) expect(value).toBeGreaterThan(0);
  });

  it("refuses settings that mean nothing, and other bases than it was fitted with", () => {
    for (const strength of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refusal(() => fitMetaLogistic(y, bases, { effectiveLabels: 100, strength }))).toBe("config.bad_value");
    }
    expect(refusal(() => fitMetaLogistic(y, bases, { effectiveLabels: Number.NaN }))).toBe("config.bad_value");
    expect(refusal(() => fitMetaLogistic(y, bases.slice(0, 1), { effectiveLabels: 100 }))).toBe("config.too_few_bases");
    expect(refusal(() => fitMetaLogistic(y.slice(2), bases, { effectiveLabels: 100 }))).toBe("data.shape_mismatch");
    const model = fitMetaLogistic(y, bases, { effectiveLabels: 100 });
    for (const others of [[...bases].reverse(), bases.slice(0, 3)]) {
      expect(refusal(() => applyMetaLogistic(model, others))).toBe("config.other_bases");
    }
    expect(() => applyMetaLogistic(model, bases.slice(0, 3))).toThrow(
      "fitted with b0, b1, b2, b3; it was given b0, b1, b2",
    );
  });
});
