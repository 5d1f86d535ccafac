import { describe, expect, it } from "vitest";
import { permutationImportance, sampleRows } from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

describe("permutationImportance", () => {
  const random = seededRandom(3);
  const n = 800;
  const X = new Float32Array(3 * n).map(() => random.normal());
  const y = Int8Array.from({ length: n }, (_, i) => Math.sign(Math.round(X[3 * i]!)));
  /** Knows the first feature, looks a little at the second, never at the third. */
  const predict = async (rows: Float32Array) =>
    Float64Array.from({ length: rows.length }, (_, j) => {
      const [i, k] = [Math.floor(j / 3), j % 3];
      const score = (c: number) => Math.exp(-Math.abs(c - 1 - rows[3 * i]! - 0.1 * rows[3 * i + 1]!));
      return score(k) / (score(0) + score(1) + score(2));
    });

  it("is large for what the model uses, 0 for what it does not", async () => {
    const before = Float32Array.from(X);
    const importance = await permutationImportance({ X, y, features: ["a", "b", "c"] }, predict, { seed: 7 });
    expect(importance.a).toBeGreaterThan(0.1);
    expect(importance.a!).toBeGreaterThan(5 * Math.abs(importance.b!));
    expect(importance.c).toBe(0);
    expect(X).toEqual(before);
  });

  it("is the same for the same seed", async () => {
    const run = (seed: number) => permutationImportance({ X, y, features: ["a", "b", "c"] }, predict, { seed });
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });

  it("ends at once when aborted", async () => {
    const aborted = permutationImportance({ X, y, features: ["a", "b", "c"] }, predict, {
      seed: 7,
      signal: AbortSignal.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ code: "interrupted.aborted" });
  });
});

describe("permutationImportance of windows", () => {
  const [T, F, n] = [4, 2, 300];
  const random = seededRandom(5);
  const X = new Float32Array(n * T * F).map(() => random.normal());
  const at = (rows: Float32Array, i: number, t: number, f: number): number => rows[(i * T + t) * F + f]!;
  /** The label is the first feature's rise over the window: to see it, a series must be whole. */
  const y = Int8Array.from({ length: n }, (_, i) => Math.sign(Math.round(at(X, i, 3, 0) - at(X, i, 0, 0))));
  const seen: Float32Array[] = [];
  const predict = async (rows: Float32Array) => {
    seen.push(rows.slice());
    return Float64Array.from({ length: 3 * n }, (_, j) => {
      const rise = at(rows, Math.floor(j / 3), 3, 0) - at(rows, Math.floor(j / 3), 0, 0);
      const score = (c: number) => Math.exp(-Math.abs(c - 1 - rise));
      return score(j % 3) / (score(0) + score(1) + score(2));
    });
  };

  it("exchanges a feature's whole series between windows, and nothing else", async () => {
    const importance = await permutationImportance({ X, y, features: ["a", "b"], seqLen: T }, predict, { seed: 7 });
    expect(importance.a).toBeGreaterThan(0.1);
    expect(importance.b).toBe(0);
    const seriesOf = (rows: Float32Array, f: number): string[] =>
      Array.from({ length: n }, (_, i) => [0, 1, 2, 3].map((t) => at(rows, i, t, f)).join());
    const [base, a, b] = seen as [Float32Array, Float32Array, Float32Array];
    expect(base).toEqual(X);
    expect(seriesOf(a, 1)).toEqual(seriesOf(X, 1));
    expect(seriesOf(b, 0)).toEqual(seriesOf(X, 0));
    expect(seriesOf(a, 0)).not.toEqual(seriesOf(X, 0));
    expect(seriesOf(a, 0).sort()).toEqual(seriesOf(X, 0).sort());
    // One shuffle for all features.
    const moved = seriesOf(a, 0).map((series) => seriesOf(X, 0).indexOf(series));
    expect(seriesOf(b, 1)).toEqual(moved.map((i) => seriesOf(X, 1)[i]));
  });

  it("is refused where the values are not those of windows", async () => {
    const short = permutationImportance({ X, y, features: ["a", "b"], seqLen: 5 }, predict, { seed: 7 });
    await expect(short).rejects.toMatchObject({
      code: "data.shape_mismatch",
      message: "Got 2400 values for 300 windows of 5 bars of 2 features.",
    });
  });
});

describe("sampleRows", () => {
  it("takes a seeded subset in order, or all rows where they are few", () => {
    const rows = Int32Array.from({ length: 100 }, (_, i) => 10 * i);
    const some = sampleRows(rows, 20, 7);
    expect(some).toHaveLength(20);
    expect([...some]).toEqual([...new Set(some)].sort((a, b) => a - b));
    expect(sampleRows(rows, 20, 7)).toEqual(some);
    expect(sampleRows(rows, 100, 7)).toBe(rows);
  });
});
