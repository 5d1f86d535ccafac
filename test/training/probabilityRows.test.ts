import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStored, viewOf, writeDataset } from "../../src/data/index.js";
import { splitForProbabilities } from "../../src/training/probabilityRows.js";
import type { StoredDataset } from "../../src/types/index.js";
import { PIPELINE } from "../data/datasets.js";

const MINUTE = 60_000_000;
const ROWS = 400;
let folder: string;
let dataset: StoredDataset;

/** Two horizons; a row's label of the longer one takes 1 to 30 minutes, by no rule. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-probability-"));
  const timestamps = Float64Array.from({ length: ROWS }, (_, i) => 1.6e15 + i * MINUTE);
  const horizon = (h: number, length: (i: number) => number) => ({
    horizon: h,
    y: Int8Array.from({ length: ROWS }, (_, i) => (i % 3) - 1),
    end: timestamps.map((t, i) => t + length(i) * MINUTE),
    w: new Float32Array(ROWS).fill(1),
  });
  await writeDataset(
    {
      symbol: "TOY",
      timestamps,
      featureNames: ["a"],
      X: Float32Array.from({ length: ROWS }, (_, i) => i),
      horizons: [horizon(5, () => 5), horizon(20, (i) => 1 + ((i * 7) % 30))],
      entryPrice: new Float64Array(ROWS).fill(100),
      piece: new Int32Array(ROWS),
      parts: { train: { start: 0, end: 300 }, val: { start: 300, end: 350 }, test: { start: 350, end: ROWS } },
      pipeline: { ...PIPELINE, features: { ...PIPELINE.features, names: ["a"] } },
    },
    { out: folder, layouts: ["series"] },
  );
  dataset = await openStored({ symbol: "TOY", data: `${folder}/datasets`, store: `${folder}/store` });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const array = (rows: number) => ({
  data: new Float32Array(rows),
  shape: [rows, 1] as [number, number],
  featureNames: ["a"],
});

describe("rows that are fitted, and rows that make the probabilities", () => {
  it("keeps the latest share, and purges before it what reaches its first moment at any horizon", () => {
    const rows = Int32Array.from({ length: 300 }, (_, i) => i);
    const { fit, probability, warnings } = splitForProbabilities(viewOf(dataset, rows), 0.15);
    expect([...probability]).toEqual(Array.from({ length: 45 }, (_, i) => 255 + i));
    const reaches = (i: number): boolean => i + Math.max(5, 1 + ((i * 7) % 30)) >= 255;
    expect([...fit]).toEqual(Array.from({ length: 255 }, (_, i) => i).filter((i) => !reaches(i)));
    expect(fit.length).toBeLessThan(251);
    expect(warnings).toEqual([]);
  });

  it("leaves no label interval of a fitted row that meets a later row, whatever rows are given in whatever order", () => {
    const some = fc.shuffledSubarray(
      Array.from({ length: 350 }, (_, i) => i),
      { minLength: 120 },
    );
    fc.assert(
      fc.property(some, (chosen) => {
        const { fit, probability } = splitForProbabilities(viewOf(dataset, Int32Array.from(chosen)), 0.2);
        const first = Math.min(...[...probability].map((i) => chosen[i]!));
        for (const i of fit) {
          for (const horizon of [5, 20]) {
            expect(dataset.labelEnds(horizon)[chosen[i]!]!).toBeLessThan(dataset.timestamps()[first]!);
          }
        }
        expect(probability.length).toBe(Math.round(chosen.length * 0.2));
        expect(new Set([...fit, ...probability]).size).toBe(fit.length + probability.length);
      }),
      { numRuns: 50 },
    );
  });

  it("parts arrays in memory by row order, purges one row, and says that they carry no times", () => {
    const { fit, probability, warnings } = splitForProbabilities(array(400), 0.15);
    expect([fit.length, probability.length, probability[0]]).toEqual([339, 60, 340]);
    expect(warnings).toEqual([expect.stringContaining("no times")]);
  });

  it("warns where few rows make the probabilities, and refuses where none do", () => {
    expect(splitForProbabilities(array(60), 0.15).warnings).toContainEqual(expect.stringContaining("Only 9 rows"));
    for (const rows of [0, 1, 3]) {
      expect(() => splitForProbabilities(array(rows), 0.15)).toThrow(
        expect.objectContaining({
          code: "data.few_rows",
          message: expect.stringContaining(`Of ${rows} training rows`),
        }),
      );
    }
  });
});
