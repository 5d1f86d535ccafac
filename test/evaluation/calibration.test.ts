import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyCalibrator,
  CALIBRATOR_KINDS,
  type CalibrationFold,
  type Calibrator,
  type CalibratorKind,
  type ClassShares,
  chooseCalibrator,
  classificationMetrics,
  classwiseEce,
  constantProbabilities,
  fitCalibrator,
  reliabilityTable,
  rowLogLosses,
  softmaxForm,
  weightedMean,
} from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

interface GoldenCase {
  name: string;
  y: number[];
  p: number[];
  prior: ClassShares;
  w: number[] | null;
  temperature: number;
  lambda: number;
  power: number;
  vector: number[];
  first: Record<string, number[]>;
  classwiseEce: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/calibration/golden.json", import.meta.url), "utf8"),
) as GoldenCase[];

const PRIOR: ClassShares = [0.2, 0.55, 0.25];
const SHAPED: Record<CalibratorKind, Calibrator> = {
  none: { kind: "none" },
  temperature: { kind: "temperature", temperature: 2.5 },
  prior: { kind: "prior", lambda: 0.4, prior: PRIOR },
  pool: { kind: "pool", power: 0.4, prior: PRIOR },
  vector: { kind: "vector", scale: [0.5, 0, 1.4], bias: [0.3, -0.2, 0] },
};
const FITTED = CALIBRATOR_KINDS.filter((kind) => kind !== "none");

interface Market {
  /** How far what is known moves the log-odds: 0 is a market without signal. */
  signal: number;
  /** What the model mistakes for a signal, and by what it multiplies its log-odds. */
  noise?: number;
  sharpness?: number;
  /** What it adds to the log-odds of the classes. */
  tilt?: readonly number[];
  /** Rows in a row that share label and signal: overlapping labels. */
  overlap?: number;
}

/** Labels drawn by true probabilities about the prior, and what a model says of them. */
function simulate(
  n: number,
  { signal, noise = 0, sharpness = 1, tilt = [0, 0, 0], overlap = 1 }: Market,
  seed: number,
) {
  const random = seededRandom(seed);
  const y = new Int8Array(n);
  const raw = new Float64Array(3 * n);
  let [known, label] = [[0, 0, 0], 0];
  const normals = (): number[] => [random.normal(), random.normal(), random.normal()];
  for (let i = 0; i < n; i++) {
    if (i % overlap === 0) {
      known = normals().map((value, k) => Math.log(PRIOR[k]!) + signal * value);
      const [short, neutral] = shares(known) as [number, number, number];
      const u = random.next();
      label = u < short ? -1 : u < short + neutral ? 0 : 1;
    }
    y[i] = label;
    const mistaken = normals();
    raw.set(shares(known.map((value, k) => tilt[k]! + sharpness * (value + noise * mistaken[k]!))), 3 * i);
  }
  return { y, raw };
}

function shares(z: readonly number[]): number[] {
  const e = z.map(Math.exp);
  const total = e.reduce((a, b) => a + b);
  return e.map((value) => value / total);
}

/** k blocks in time, with `gap` rows left out at both sides of each. */
function blocked(n: number, gap: number, k = 5): CalibrationFold[] {
  return Array.from({ length: k }, (_, f) => {
    const [from, to] = [Math.floor((n * f) / k), Math.floor((n * (f + 1)) / k)];
    const rows = [...Array(n).keys()];
    return {
      test: Int32Array.from(rows.slice(from, to)),
      train: Int32Array.from(rows.filter((i) => i < from - gap || i >= to + gap)),
    };
  });
}

const logLoss = (y: Int8Array, p: Float64Array): number => weightedMean(rowLogLosses(y, p));
const ece = (y: Int8Array, p: Float64Array): number => classificationMetrics(y, p).ece;
const closeTo = (values: readonly number[], digits: number): unknown[] =>
  values.map((value) => expect.closeTo(value, digits));

/** Rows of three probabilities, among them zeros, ones and tiny ones. */
const distributions = fc
  .array(fc.tuple(...[0, 1, 2].map(() => fc.constantFrom<number>(0, 1e-300, 1e-9, 0.2, 0.5, 1, 3))), { maxLength: 20 })
  .map((rows) => rows.filter((row) => row.some((value) => value > 0)))
  .map((rows) => Float64Array.from(rows.flatMap((row) => row.map((value) => value / row.reduce((a, b) => a + b)))));

describe("applyCalibrator", () => {
  it("leaves everything as it is: none", () => {
    const raw = Float32Array.of(0.2, 0.3, 0.5);
    expect(applyCalibrator({ kind: "none" }, raw)).toEqual(Float64Array.from(raw));
  });

  it("computes each kind by its formula", () => {
    const raw = Float64Array.of(0.1, 0.6, 0.3);
    const row = (calibrator: Calibrator): number[] => [...applyCalibrator(calibrator, raw)];
    const normalised = (values: readonly number[]): unknown[] => closeTo(shares(values.map(Math.log)), 12);
    expect(row(SHAPED.temperature)).toEqual(normalised([0.1 ** 0.4, 0.6 ** 0.4, 0.3 ** 0.4]));
    expect(row(SHAPED.prior)).toEqual(closeTo([0.14, 0.58, 0.28], 12));
    expect(row(SHAPED.pool)).toEqual(
      normalised([0.1 ** 0.4 * 0.2 ** 0.6, 0.6 ** 0.4 * 0.55 ** 0.6, 0.3 ** 0.4 * 0.25 ** 0.6]),
    );
    expect(row(SHAPED.vector)).toEqual(normalised([0.1 ** 0.5 * Math.exp(0.3), Math.exp(-0.2), 0.3 ** 1.4]));
  });

  it.each(CALIBRATOR_KINDS)("gives distributions whatever the model is sure of: %s", (kind) => {
    fc.assert(
      fc.property(distributions, (raw) => {
        const p = applyCalibrator(SHAPED[kind], raw);
        expect(p.length).toBe(raw.length);
        for (let i = 0; i < p.length; i += 3) expect(p[i]! + p[i + 1]! + p[i + 2]!).toBeCloseTo(1, 12);
        expect(p.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
    );
  });

  it("does not overflow at the ends of its parameters", () => {
    const raw = Float64Array.of(0, 1e-300, 1);
    expect([...applyCalibrator({ kind: "temperature", temperature: 1e-3 }, raw)]).toEqual([0, 0, 1]);
    expect([...applyCalibrator({ kind: "vector", scale: [1, 1, 1], bias: [900, 900, -900] }, raw)]).toEqual([
      0.5, 0.5, 0,
    ]);
  });

  it("counts a probability below 1e-15 as 1e-15 in logarithms", () => {
    const [a, b] = applyCalibrator({ kind: "temperature", temperature: 3 }, Float64Array.of(0, 1e-15, 1));
    expect(a).toBe(b);
    expect(a).toBeCloseTo(1e-5, 8);
  });

  it("is the softmax of scale × logarithm + bias, as a graph computes it", () => {
    const raw = simulate(20, { signal: 1 }, 1).raw;
    for (const kind of ["pool", "temperature", "vector"] as const) {
      const calibrator = SHAPED[kind] as Parameters<typeof softmaxForm>[0];
      const { scale, bias } = softmaxForm(calibrator);
      const row = shares([0, 1, 2].map((k) => scale[k]! * Math.log(raw[k]!) + bias[k]!));
      expect([...applyCalibrator(calibrator, raw.slice(0, 3))]).toEqual(closeTo(row, 12));
    }
  });

  it("is the same after a way through JSON", () => {
    const raw = simulate(20, { signal: 1 }, 1).raw;
    for (const calibrator of Object.values(SHAPED)) {
      expect(applyCalibrator(JSON.parse(JSON.stringify(calibrator)), raw)).toEqual(applyCalibrator(calibrator, raw));
    }
  });

  it.each<[string, Calibrator]>([
    ["a temperature of 0", { kind: "temperature", temperature: 0 }],
    ["no temperature", JSON.parse('{"kind":"temperature"}')],
    ["a lambda above 1", { kind: "prior", lambda: 1.1, prior: PRIOR }],
    ["a negative power", { kind: "pool", power: -1, prior: PRIOR }],
    ["a negative scale", { kind: "vector", scale: [1, -1, 1], bias: [0, 0, 0] }],
    ["a bias that is not a number", { kind: "vector", scale: [1, 1, 1], bias: [0, Number.NaN, 0] }],
    ["two scales", JSON.parse('{"kind":"vector","scale":[1,1],"bias":[0,0,0]}')],
    ["an unknown kind", JSON.parse('{"kind":"isotonic"}')],
  ])("refuses %s", (_name, calibrator) => {
    expect(() => applyCalibrator(calibrator, Float64Array.of(0.2, 0.3, 0.5))).toThrow(
      expect.objectContaining({ code: "data.bad_calibrator", remedy: expect.any(String) }),
    );
  });

  it("refuses a calibrator without its prior", () => {
    for (const calibrator of ['{"kind":"prior","lambda":0.5}', '{"kind":"pool","power":0.5}'].map((text) =>
      JSON.parse(text),
    )) {
      expect(() => applyCalibrator(calibrator, Float64Array.of(0.2, 0.3, 0.5))).toThrow(
        expect.objectContaining({ code: "data.bad_prior" }),
      );
    }
  });

  it.each([
    ["two columns", [0.5, 0.5], "data.shape_mismatch"],
    ["a row that sums to 2", [1, 0.5, 0.5], "data.bad_probabilities"],
    ["NaN", [Number.NaN, 0.5, 0.5], "data.bad_probabilities"],
  ])("refuses raw probabilities with %s", (_name, raw, code) => {
    expect(() => applyCalibrator({ kind: "none" }, Float64Array.from(raw))).toThrow(expect.objectContaining({ code }));
  });
});

describe("fitCalibrator", () => {
  for (const { name, y: labels, p, prior, w, ...expected } of golden) {
    it(`agrees with scipy: ${name}`, () => {
      const [y, raw] = [Int8Array.from(labels), Float64Array.from(p)];
      const options = { prior, ...(w === null ? {} : { weights: Float64Array.from(w) }) };
      const [a, b, c, d, e, f] = expected.vector as [number, number, number, number, number, number];
      const near = (value: number): number => expect.closeTo(value, 6);
      const fits = {
        temperature: { kind: "temperature", temperature: expect.closeTo(expected.temperature, 5) },
        prior: { kind: "prior", lambda: near(expected.lambda), prior },
        pool: { kind: "pool", power: near(expected.power), prior },
        vector: { kind: "vector", scale: [a, b, c].map(near), bias: [d, e, f].map(near) },
      };
      for (const kind of FITTED) {
        const calibrator = fitCalibrator(kind, y, raw, options);
        expect(calibrator).toEqual(fits[kind as keyof typeof fits]);
        expect([...applyCalibrator(calibrator, raw.slice(0, 9))]).toEqual(closeTo(expected.first[kind]!, 6));
      }
    });
  }

  it("recovers the temperature that the probabilities were sharpened by", () => {
    for (const sharpness of [0.5, 2.5]) {
      const { y, raw } = simulate(20_000, { signal: 1, sharpness }, 3);
      const { temperature } = fitCalibrator("temperature", y, raw, { prior: PRIOR }) as { temperature: number };
      expect(Math.abs(temperature / sharpness - 1)).toBeLessThan(0.05);
    }
  });

  it("brings the calibration error of over-confident probabilities to less than half, on rows it did not see", () => {
    const market = { signal: 1, noise: 0.5, sharpness: 3 };
    const [seen, fresh] = [simulate(3000, market, 1), simulate(20_000, market, 2)];
    for (const kind of ["temperature", "pool", "vector"] as const) {
      const p = applyCalibrator(fitCalibrator(kind, seen.y, seen.raw, { prior: PRIOR }), fresh.raw);
      expect(ece(fresh.y, p)).toBeLessThan(ece(fresh.y, fresh.raw) / 4);
      expect(classwiseEce(fresh.y, p)).toBeLessThan(classwiseEce(fresh.y, fresh.raw) / 2);
    }
  });

  it("never loses more than the raw probabilities on the rows it was fitted on", () => {
    const rows = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(0, 0.1, 0.3), fc.constantFrom(0.1, 0.5, 0.7)),
      { minLength: 8, maxLength: 40 },
    );
    fc.assert(
      fc.property(rows, (drawn) => {
        const y = Int8Array.from([0, 1, ...drawn.map(([k]) => k)], (k) => k - 1);
        const raw = Float64Array.from(
          [[0, 0.2, 0.3], [0, 0.3, 0.1], ...drawn].flatMap(([, a, b]) => [a!, b!, 1 - a! - b!]),
        );
        for (const kind of FITTED) {
          const p = applyCalibrator(fitCalibrator(kind, y, raw, { prior: PRIOR }), raw);
          expect(logLoss(y, p)).toBeLessThanOrEqual(logLoss(y, raw) + 1e-9);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("ends at a bound where the rows ask for more, and at the identity where they ask for nothing", () => {
    const y = Int8Array.of(-1, 0, 1, -1, 0, 1);
    const right = Float64Array.from([...y].flatMap((label) => [-1, 0, 1].map((k) => (k === label ? 0.8 : 0.1))));
    expect(fitCalibrator("temperature", y, right, { prior: PRIOR })).toEqual({ kind: "temperature", temperature: 0.1 });
    expect(fitCalibrator("prior", y, right, { prior: PRIOR })).toMatchObject({ lambda: 0 });
    const wrong = Float64Array.from([...y].flatMap((label) => [-1, 0, 1].map((k) => (k === label ? 0.1 : 0.45))));
    expect(fitCalibrator("temperature", y, wrong, { prior: PRIOR })).toEqual({
      kind: "temperature",
      temperature: 1000,
    });
    expect(fitCalibrator("prior", y, wrong, { prior: PRIOR })).toMatchObject({ lambda: 1 });
    const flat = constantProbabilities([1 / 3, 1 / 3, 1 / 3], 6);
    expect(fitCalibrator("temperature", y, flat, { prior: PRIOR })).toEqual({ kind: "temperature", temperature: 1 });
  });

  it("holds vector scaling to the identity by the effective labels, not by the rows", () => {
    const { y, raw } = simulate(600, { signal: 1, sharpness: 3 }, 5);
    const moved = (effectiveLabels: number): number => {
      const { scale } = fitCalibrator("vector", y, raw, { prior: PRIOR, effectiveLabels }) as { scale: number[] };
      return Math.abs(scale[1]! - 1);
    };
    expect(moved(1)).toBeLessThan(moved(20));
    expect(moved(20)).toBeLessThan(moved(600));
  });

  it("counts a row of weight 2 as two rows", () => {
    const { y, raw } = simulate(60, { signal: 1, sharpness: 2 }, 8);
    const twice = { y: Int8Array.of(...y, ...y.slice(0, 20)), raw: Float64Array.of(...raw, ...raw.slice(0, 60)) };
    const weights = Float64Array.from(y, (_, i) => (i < 20 ? 2 : 1));
    for (const kind of FITTED) {
      const options = { prior: PRIOR, effectiveLabels: 60 };
      const weighted = applyCalibrator(fitCalibrator(kind, y, raw, { ...options, weights }), raw);
      const doubled = applyCalibrator(fitCalibrator(kind, twice.y, twice.raw, options), raw);
      expect([...weighted]).toEqual(closeTo([...doubled], 9));
    }
  });

  it("does not learn from rows of a class that training lacked", () => {
    const { y, raw } = simulate(400, { signal: 1, sharpness: 2 }, 9);
    const prior: ClassShares = [0.3, 0.7, 0];
    const known = Float64Array.from(raw, (p, i) => (i % 3 === 2 ? 0 : p / (1 - raw[i - (i % 3) + 2]!)));
    const kept = [...y.keys()].filter((i) => y[i] !== 1);
    const without = Float64Array.from(kept.flatMap((i) => [...known.slice(3 * i, 3 * i + 3)]));
    for (const kind of FITTED) {
      const options = { prior, effectiveLabels: 400 };
      const fit = fitCalibrator(kind, y, known, options);
      expect(fit).toEqual(
        fitCalibrator(
          kind,
          Int8Array.from(kept, (i) => y[i]!),
          without,
          options,
        ),
      );
    }
    const mixed = applyCalibrator(fitCalibrator("prior", y, known, { prior }), known);
    expect(mixed.every((p, i) => i % 3 !== 2 || p === 0)).toBe(true);
  });

  it.each<[string, number[], number[], object, string]>([
    ["one class", [1, 1], [0.2, 0.3, 0.5, 0.2, 0.3, 0.5], {}, "data.one_class"],
    ["one class that training had", [1, 0], [0, 1, 0, 0, 1, 0], { prior: [0, 1, 0] }, "data.one_class"],
    ["no rows", [], [], {}, "data.no_rows"],
    ["a context row", [0, -128], [0.2, 0.3, 0.5, 0.2, 0.3, 0.5], {}, "data.bad_label"],
    ["a row too few", [0, 1], [0.2, 0.3, 0.5], {}, "data.shape_mismatch"],
    ["NaN", [0, 1], [0.2, 0.3, 0.5, 0.2, Number.NaN, 0.5], {}, "data.bad_probabilities"],
    ["a weight of 0", [0, 1], [0.2, 0.3, 0.5, 0.2, 0.3, 0.5], { weights: Float64Array.of(1, 0) }, "data.bad_weight"],
    ["a prior of sum 2", [0, 1], [0.2, 0.3, 0.5, 0.2, 0.3, 0.5], { prior: [1, 0.5, 0.5] }, "data.bad_prior"],
    ["no labels", [0, 1], [0.2, 0.3, 0.5, 0.2, 0.3, 0.5], { effectiveLabels: 0 }, "data.bad_effective_labels"],
  ])("refuses %s", (_name, y, raw, options, code) => {
    for (const kind of FITTED) {
      expect(() =>
        fitCalibrator(kind, Int8Array.from(y), Float64Array.from(raw), { prior: PRIOR, ...options }),
      ).toThrow(expect.objectContaining({ code, remedy: expect.any(String) }));
    }
  });
});

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

  const rows = (test: number[], train: number[]): CalibrationFold => ({
    test: Int32Array.from(test),
    train: Int32Array.from(train),
  });
  it.each<[string, CalibrationFold[], object, string]>([
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
