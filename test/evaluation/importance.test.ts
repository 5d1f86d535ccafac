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
