import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkParity, nextFloat32, probeRows } from "../../src/inference/index.js";
import { graph, trees } from "./fixtures.js";
import { series, windowsArray } from "./sequences.js";

describe("parity", () => {
  const onBorders = { X: trees.probes, featureNames: trees.features, native: trees.nativeProbes };

  it("is reached by a faithful export, on every border and a step to either side", async () => {
    const parity = await checkParity(graph("trees"), onBorders);
    expect(parity).toMatchObject({ rows: trees.probes.length / 4, tolerance: 1e-5 });
    expect(parity.maxAbsDiff).toBeLessThan(1e-6);
  });

  it("is missed by an export whose borders are one float32 step off, which ordinary rows do not show", async () => {
    await checkParity(graph("trees_careless"), { X: trees.X, featureNames: trees.features, native: trees.native });
    await expect(checkParity(graph("trees_careless"), onBorders)).rejects.toMatchObject({
      code: "bundle.parity_failed",
      remedy: expect.any(String),
      details: { difference: expect.any(Number), row: expect.any(Number) },
    });
  });

  it("is missed by NaN on either side", async () => {
    const X = new Float32Array(4);
    const rows = { X, featureNames: trees.features };
    await expect(
      checkParity(graph("trees"), { ...rows, native: new Float32Array(3).fill(Number.NaN) }),
    ).rejects.toMatchObject({ code: "bundle.parity_failed" });
    X.fill(Number.NaN);
    await expect(
      checkParity(graph("linear"), { ...rows, native: new Float32Array(3).fill(1 / 3) }),
    ).rejects.toMatchObject({ code: "bundle.parity_failed" });
  });

  it("needs as many native answers as rows", async () => {
    const rows = { X: trees.X, featureNames: trees.features, native: new Float32Array(3) };
    await expect(checkParity(graph("trees"), rows)).rejects.toMatchObject({ code: "data.wrong_shape" });
  });
});

describe("parity of windows", () => {
  const rows = { X: windowsArray().data, featureNames: series.features, seqLen: series.seqLen };

  it("is reached where the graph answers as the native model, windows that see nothing among them", async () => {
    expect(await checkParity(graph("lstm"), { ...rows, native: series.lstm })).toMatchObject({ rows: 36 });
    const nothing = rows.X.subarray(20 * 15, 21 * 15);
    expect(nothing.every(Number.isNaN)).toBe(true);
  });

  it("is missed where one window differs", async () => {
    const native = series.lstm.slice();
    native[3 * 17]! += 2e-5;
    await expect(checkParity(graph("lstm"), { ...rows, native })).rejects.toMatchObject({
      code: "bundle.parity_failed",
      details: { row: 17 },
    });
  });
});

describe("probe windows", () => {
  const real = Float32Array.from({ length: 10 * 15 }, (_, i) => i);
  const probes = probeRows({ X: real, features: 3, seqLen: 5, nanAllowed: true, borders: null, seed: 7 });
  const windows = Array.from({ length: probes.length / 15 }, (_, i) => probes.subarray(15 * i, 15 * i + 15));

  it("are the real ones, some with values missing, one of nothing and one of a bar that repeats", () => {
    expect(windows).toHaveLength(10 + 5 + 1 + 1);
    expect(probes.slice(0, real.length)).toEqual(real);
    const missing = windows.slice(10, 15).flatMap((window) => [...window].filter(Number.isNaN)).length;
    expect(missing).toBeGreaterThan(0);
    expect(missing).toBeLessThan(25);
    expect(windows[15]!.every(Number.isNaN)).toBe(true);
    const bar = windows[16]!.subarray(0, 3);
    expect(bar[1]! - bar[0]!).toBe(1);
    expect([...windows[16]!]).toEqual([...bar, ...bar, ...bar, ...bar, ...bar]);
  });
});

describe("probe rows", () => {
  const real = Float32Array.from({ length: 40 }, (_, i) => i);
  const base = { X: real, features: 4, nanAllowed: false, borders: null, seed: 7 };
  const rowsOf = (values: Float32Array): number[][] =>
    Array.from({ length: values.length / 4 }, (_, i) => [...values.subarray(4 * i, 4 * i + 4)]);

  it("are the real rows, where a model has neither NaN nor borders", () => {
    expect(probeRows(base)).toEqual(real);
  });

  it("hold NaN where it is allowed, once in every feature", () => {
    const rows = rowsOf(probeRows({ ...base, nanAllowed: true }));
    expect(rows).toHaveLength(10 + 5 + 1);
    expect(rows.at(-1)!.every(Number.isNaN)).toBe(true);
  });

  it("hold each border and its two float32 neighbours, in otherwise real rows", () => {
    const borders = Float32Array.of(1, 0.5, 3, -2);
    const added = rowsOf(probeRows({ ...base, borders })).slice(10);
    expect(added.map((row, i) => row[i < 3 ? 1 : 3])).toEqual(
      [0.5, -2].flatMap((threshold) => [threshold, nextFloat32(threshold, 1), nextFloat32(threshold, -1)]),
    );
    for (const row of added.slice(0, 3)) expect([row[2]! - row[0]!, row[3]! - row[0]!]).toEqual([2, 3]);
  });

  it("take a seeded sample of very many borders", () => {
    const borders = new Float32Array(2 * 5000);
    expect(probeRows({ ...base, borders, maxBorders: 100 })).toHaveLength(40 + 3 * 100 * 4);
  });

  it("step to the nearest float32 and back", () => {
    fc.assert(
      fc.property(
        fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }),
        (value) => {
          const above = nextFloat32(value, 1);
          const below = nextFloat32(value, -1);
          expect(above).toBeGreaterThan(value);
          expect(below).toBeLessThan(value);
          const between = Math.fround(value + (above - value) / 2);
          expect([value, above]).toContain(between === 0 ? 0 : between);
          if (value !== 0) expect(nextFloat32(above, -1) === value || above === 0).toBe(true);
        },
      ),
    );
  });
});
