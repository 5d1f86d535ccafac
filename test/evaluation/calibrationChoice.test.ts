import { describe, expect, it } from "vitest";
import {
  applyCalibrator,
  CALIBRATOR_KINDS,
  type CalibratorKind,
  type ClassShares,
  type CrossFitFold,
  chooseCalibrator,
  constantProbabilities,
  fitCalibrator,
  rowLogLosses,
} from "../../src/evaluation/index.js";
import { logLoss, type Market, PRIOR, simulate } from "./simulatedMarket.js";

/** k blocks in time, with `gap` rows left out at both sides of each. */
function blocked(n: number, gap: number, k = 5): CrossFitFold[] {
  return Array.from({ length: k }, (_, f) => {
    const [from, to] = [Math.floor((n * f) / k), Math.floor((n * (f + 1)) / k)];
    const rows = [...Array(n).keys()];
    return {
      test: Int32Array.from(rows.slice(from, to)),
      train: Int32Array.from(rows.filter((i) => i < from - gap || i >= to + gap)),
    };
  });
}

describe("chooseCalibrator", () => {
  const choose = ({ y, raw }: { y: Int8Array; raw: Float64Array }, overlap = 1) =>
    chooseCalibrator(y, raw, { prior: PRIOR, folds: blocked(y.length, overlap), effectiveLabels: y.length / overlap });

  it("says the prior on a market without signal, but for the noise of its labels", () => {
    const noise = { signal: 0, noise: 1 };
    const fresh = simulate(20_000, { ...noise, overlap: 1 }, 99);
    const byPrior = logLoss(fresh.y, constantProbabilities(PRIOR, 20_000));
    expect(logLoss(fresh.y, fresh.raw) - byPrior).toBeGreaterThan(0.2);
    for (const overlap of [1, 15]) {
      const excesses = [1, 2, 3, 4].map((seed) => {
        const { calibrator } = choose(simulate(1500, { ...noise, overlap }, seed), overlap);
        return logLoss(fresh.y, applyCalibrator(calibrator, fresh.raw)) - byPrior;
      });
      // What the fit of one parameter to n labels costs: 1 / (2 n) on average, chi-squared about it.
      const each = overlap / (2 * 1500);
      expect(Math.max(...excesses)).toBeLessThan(6 * each);
      expect(excesses.reduce((a, b) => a + b) / 4).toBeLessThan(2 * each);
    }
  });

  it.each([0.3, 1, 3])(
    "costs less than luck on forty labels without signal, and leaves no model constant: noise %s",
    (noise) => {
      const fresh = simulate(5000, { signal: 0, noise }, 99);
      const byPrior = logLoss(fresh.y, constantProbabilities(PRIOR, 5000));
      const excesses = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
        const { calibrator } = choose(simulate(600, { signal: 0, noise, overlap: 15 }, seed), 15);
        const p = applyCalibrator(calibrator, fresh.raw);
        expect(new Set(Float32Array.from(p)).size).toBeGreaterThan(1000);
        return logLoss(fresh.y, p) - byPrior;
      });
      // One parameter fitted to n labels: 1 / (2 n) on average.
      expect(excesses.reduce((a, b) => a + b) / 8).toBeLessThan(1 / (2 * 40));
      expect(Math.max(...excesses)).toBeLessThan(6 / (2 * 40));
    },
  );

  it("leaves a calibrated model as it is", () => {
    const kinds = [1, 2, 3, 4, 5, 6].map((seed) => choose(simulate(1000, { signal: 0.6 }, seed)).calibrator.kind);
    expect(kinds.filter((kind) => kind === "none").length).toBeGreaterThanOrEqual(5);
  });

  it("leaves a model as it is that no kind can help", () => {
    // The prior itself, which prior and pool leave as it is but for rounding.
    const { y } = simulate(500, { signal: 0 }, 3);
    const { calibrator, reason } = choose({ y, raw: constantProbabilities(PRIOR, 500) });
    expect(calibrator).toEqual({ kind: "none" });
    expect(reason).toBe("no kind lowers the cross-fitted log-loss");
  });

  it.each<[CalibratorKind, string, Market]>([
    ["pool", "evidence that is half noise", { signal: 1, noise: 1.2 }],
    ["temperature", "all log-odds sharpened, those of the prior too", { signal: 1, sharpness: 2.5 }],
    ["temperature", "an under-confident model", { signal: 1, sharpness: 0.5 }],
    ["vector", "classes that are tilted", { signal: 0.6, tilt: [0.7, -0.7, 0.3] }],
  ])("takes %s for %s", (kind, _mistake, market) => {
    const [seen, fresh] = [simulate(2000, market, 4), simulate(10_000, market, 5)];
    const choice = choose(seen);
    expect(choice.calibrator).toEqual(
      fitCalibrator(kind, seen.y, seen.raw, { prior: PRIOR, effectiveLabels: seen.y.length }),
    );
    expect(choice.reason).toMatch(new RegExp(`^${kind} helps: cross-fitted gain 0\\.\\d{4}`));
    expect(logLoss(fresh.y, applyCalibrator(choice.calibrator, fresh.raw))).toBeLessThan(
      logLoss(fresh.y, fresh.raw) - 0.02,
    );
  });

  it("scores every kind by what was said without the row", () => {
    const { y, raw } = simulate(600, { signal: 1, sharpness: 2.5 }, 6);
    const folds = blocked(600, 3).slice(1);
    const { calibrator, crossFitted, scores, tested } = chooseCalibrator(y, raw, {
      prior: PRIOR,
      folds,
      effectiveLabels: 200,
    });
    expect(tested).toBe(480);
    expect(scores.map(({ kind }) => kind)).toEqual(CALIBRATOR_KINDS);
    const { kind } = calibrator;
    const expected = Float64Array.from(raw);
    for (const { train, test } of folds) {
      const pick = (rows: Int32Array) => Float64Array.from([...rows].flatMap((i) => [...raw.slice(3 * i, 3 * i + 3)]));
      const yTrain = Int8Array.from(train, (i) => y[i]!);
      const labels = (200 * train.length) / 600;
      const fold = fitCalibrator(kind, yTrain, pick(train), { prior: PRIOR, effectiveLabels: labels });
      expected.set(applyCalibrator(fold, pick(test)), 3 * test[0]!);
    }
    expect(crossFitted).toEqual(expected);
    const [rawLoss, loss] = [raw, crossFitted].map((p) => logLoss(y.slice(120), p.slice(360))) as [number, number];
    expect(scores[0]).toEqual({ kind: "none", logLoss: expect.closeTo(rawLoss, 12), gain: 0, standardError: 0 });
    const score = scores.find((each) => each.kind === kind)!;
    expect(score.logLoss).toBeCloseTo(loss, 12);
    expect(score.gain).toBeCloseTo(rawLoss - loss, 12);
    const differences = Float64Array.from(rowLogLosses(y, raw), (value, i) => value - rowLogLosses(y, crossFitted)[i]!);
    const inside = differences.slice(120);
    const variance = inside.reduce((sum, value) => sum + (value - score.gain) ** 2, 0) / 479;
    expect(score.standardError).toBeCloseTo(Math.sqrt(variance / (200 * 0.8)), 12);
  });

  it("gives the same twice, and leaves what it was given", () => {
    const { y, raw } = simulate(400, { signal: 0.5, noise: 1 }, 7);
    const [labels, given] = [y.slice(), raw.slice()];
    expect(choose({ y, raw })).toEqual(choose({ y, raw }));
    expect([y, raw]).toEqual([labels, given]);
  });

  it("fits nothing to fewer than 30 effective labels, whatever they are", () => {
    const { raw } = simulate(100, { signal: 0, noise: 2 }, 7);
    const choice = chooseCalibrator(new Int8Array(100), raw, { prior: PRIOR, folds: [], effectiveLabels: 29.9 });
    const reason = "29 effective labels, and at least 30 are needed";
    expect(choice).toEqual({ calibrator: { kind: "none" }, reason, crossFitted: raw, scores: [], tested: 0 });
  });

  it("does not try vector scaling on fewer than 60", () => {
    const { y, raw } = simulate(590, { signal: 1, sharpness: 3 }, 7);
    expect(choose({ y, raw }, 10).scores.map(({ kind }) => kind)).toEqual(["none", "prior", "pool", "temperature"]);
  });

  it("keeps the zeros of a class that training lacked", () => {
    const { y, raw } = simulate(500, { signal: 0, noise: 2 }, 7);
    const prior: ClassShares = [0.3, 0.7, 0];
    const known = Float64Array.from(raw, (p, i) => (i % 3 === 2 ? 0 : p / (1 - raw[i - (i % 3) + 2]!)));
    const choice = chooseCalibrator(y, known, { prior, folds: blocked(500, 1), effectiveLabels: 500 });
    expect(choice.scores.map(({ kind }) => kind)).toEqual(["none", "prior"]);
    expect(choice.calibrator.kind).toBe("prior");
    expect(choice.crossFitted.every((p, i) => i % 3 !== 2 || p === 0)).toBe(true);
  });

  it("keeps raw probabilities where the rows to fit on hold one class", () => {
    const { raw } = simulate(100, { signal: 0, noise: 2 }, 7);
    const y = Int8Array.from({ length: 100 }, (_, i) => (i < 50 ? 0 : i % 2));
    const folds = blocked(100, 0, 2);
    const { crossFitted } = chooseCalibrator(y, raw, { prior: PRIOR, folds, effectiveLabels: 100 });
    expect(crossFitted.slice(150)).toEqual(raw.slice(150));
  });

  const rows = (test: number[], train: number[]): CrossFitFold => ({
    test: Int32Array.from(test),
    train: Int32Array.from(train),
  });
  it.each<[string, CrossFitFold[], object, string]>([
    ["one class", [rows([0], [1, 2])], { y: Int8Array.of(1, 1, 1) }, "data.one_class"],
    ["no fold", [], {}, "data.bad_folds"],
    ["a row that is tested twice", [rows([0], [1]), rows([0], [2])], {}, "data.bad_folds"],
    ["a row that is fitted on and tested", [rows([0, 1], [1, 2])], {}, "data.bad_folds"],
    ["a test row that is not there", [rows([3], [0, 1])], {}, "data.bad_folds"],
    ["a row to fit on that is not there", [rows([0], [-1, 1])], {}, "data.bad_folds"],
    ["labels that are not a number", [rows([0], [1, 2])], { effectiveLabels: Number.NaN }, "data.bad_effective_labels"],
    ["a prior below 0", [rows([0], [1, 2])], { prior: [-0.5, 1, 0.5] }, "data.bad_prior"],
    ["a label too few", [rows([0], [1, 2])], { y: Int8Array.of(0, 1) }, "data.shape_mismatch"],
  ])("refuses %s", (_name, folds, wrong, code) => {
    const given = { y: Int8Array.of(-1, 0, 1), prior: PRIOR, effectiveLabels: 30, ...wrong };
    const raw = constantProbabilities(PRIOR, 3);
    expect(() => chooseCalibrator(given.y, raw, { ...given, folds })).toThrow(
      expect.objectContaining({ code, remedy: expect.any(String) }),
    );
  });
});
