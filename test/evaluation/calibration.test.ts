import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyCalibrator,
  CALIBRATOR_KINDS,
  type Calibrator,
  type CalibratorKind,
  type ClassShares,
  classwiseEce,
  constantProbabilities,
  fitCalibrator,
  isLeastShare,
  LEAST_SHARE,
  softmaxForm,
} from "../../src/evaluation/index.js";
import { ece, logLoss, PRIOR, shares, simulate } from "./simulatedMarket.js";

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
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/calibration/golden.json", import.meta.url), "utf8"),
) as GoldenCase[];

const SHAPED: Record<CalibratorKind, Calibrator> = {
  none: { kind: "none" },
  temperature: { kind: "temperature", temperature: 2.5 },
  prior: { kind: "prior", lambda: 0.4, prior: PRIOR },
  pool: { kind: "pool", power: 0.4, prior: PRIOR },
  vector: { kind: "vector", scale: [0.5, 0, 1.4], bias: [0.3, -0.2, 0] },
};
const FITTED = CALIBRATOR_KINDS.filter((kind) => kind !== "none");

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
      temperature: 100,
    });
    expect(fitCalibrator("prior", y, wrong, { prior: PRIOR })).toMatchObject({ lambda: 0.99 });
    expect(fitCalibrator("pool", y, wrong, { prior: PRIOR })).toMatchObject({ power: 0.01 });
    const flat = constantProbabilities([1 / 3, 1 / 3, 1 / 3], 6);
    expect(fitCalibrator("temperature", y, flat, { prior: PRIOR })).toEqual({ kind: "temperature", temperature: 1 });
  });

  it.each(FITTED)("leaves a model its order, and never the same answer for all rows: %s", (kind) => {
    // Six labels that are all wrong: the model as far flattened as can be.
    const y = Int8Array.of(-1, 0, 1, -1, 0, 1);
    const wrong = Float64Array.from([...y].flatMap((label) => [-1, 0, 1].map((k) => (k === label ? 0.1 : 0.45))));
    const calibrator = fitCalibrator(kind, y, wrong, { prior: PRIOR, effectiveLabels: 1e9 });
    expect(isLeastShare(calibrator)).toBe(true);
    const { raw } = simulate(300, { signal: 0, noise: 0.3 }, 4);
    // As a graph gives them, in float32.
    const p = Float32Array.from(applyCalibrator(calibrator, raw));
    expect(new Set(p).size).toBeGreaterThan(600);
    const kept = (q: ArrayLike<number>, i: number): number =>
      kind === "prior" ? q[3 * i + 2]! : Math.log(q[3 * i + 2]! / q[3 * i]!);
    const ranks = (q: ArrayLike<number>): number[] => {
      const ranked = new Array<number>(300);
      for (const [rank, i] of [...ranked.keys()].sort((i, j) => kept(q, i) - kept(q, j)).entries()) ranked[i] = rank;
      return ranked;
    };
    // Rows that differ by less than float32 holds may change places with their neighbours.
    const before = ranks(raw);
    expect(ranks(p).filter((rank, i) => Math.abs(rank - before[i]!) > 1)).toEqual([]);
  });

  it("costs next to nothing for what it leaves of a model that knows nothing", () => {
    const bound = (LEAST_SHARE / (1 - LEAST_SHARE)) ** 2 * (1 / Math.min(...PRIOR) - 1) * 0.5;
    expect(bound).toBeLessThan(0.0003);
    const calibrator: Calibrator = { kind: "prior", lambda: 1 - LEAST_SHARE, prior: PRIOR };
    const cost = (raw: Float64Array): number => {
      // Against the prior in expectation: labels are drawn by it.
      const p = applyCalibrator(calibrator, raw);
      return (
        p.reduce((sum, q, i) => sum + PRIOR[(i % 3) as 0 | 1 | 2] * Math.log(PRIOR[(i % 3) as 0 | 1 | 2] / q), 0) /
        (p.length / 3)
      );
    };
    const sure = Float64Array.of(1, 0, 0);
    expect(cost(sure)).toBeLessThan(bound);
    expect(cost(sure)).toBeGreaterThan(bound / 2);
    expect(cost(simulate(2000, { signal: 0, noise: 1 }, 4).raw)).toBeLessThan(bound / 4);
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
