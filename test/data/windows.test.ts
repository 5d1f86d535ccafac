import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWindows, viewOf, windowEnds } from "../../src/data/index.js";
import type { FeatureArray, StoredDataset } from "../../src/types/index.js";

const WIDTH = 2;
const valueAt = (row: number, feature: number): number => 10 * row + feature;

/** A dataset whose values tell their row, and which counts the rows that are read of it. */
function dataset(piece: readonly number[]): { stored: StoredDataset; read: number[] } {
  const read: number[] = [];
  const stored = {
    manifest: { features: ["a", "b"], rows: piece.length },
    piece: () => Int32Array.from(piece),
    readRows: async (rows: Int32Array) => {
      read.push(...rows);
      return Float32Array.from({ length: rows.length * WIDTH }, (_, i) =>
        valueAt(rows[Math.floor(i / WIDTH)]!, i % WIDTH),
      );
    },
  } as unknown as StoredDataset;
  return { stored, read };
}

const windowOf = (end: number, T: number): number[] =>
  Array.from({ length: T * WIDTH }, (_, i) => valueAt(end - T + 1 + Math.floor(i / WIDTH), i % WIDTH));

const rowsArray = (n: number): FeatureArray => ({
  data: Float32Array.from({ length: n * WIDTH }, (_, i) => valueAt(Math.floor(i / WIDTH), i % WIDTH)),
  shape: [n, WIDTH],
  featureNames: ["a", "b"],
});

describe("windows of a view", () => {
  it("look back in the dataset, not only among the view's rows", () => {
    const { stored } = dataset([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(windowEnds(viewOf(stored, Int32Array.of(3, 5, 7)), 3)).toEqual(Int32Array.of(0, 2));
  });

  it("do not begin before the first row allowed", () => {
    const { stored } = dataset([0, 0, 0, 0, 0, 0]);
    expect(windowEnds(viewOf(stored, Int32Array.of(2, 3, 4, 5)), 3, 2)).toEqual(Int32Array.of(2, 3));
  });

  it("hold the rows up to each end, whatever ends are asked for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 59 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        async (rows, T) => {
          const view = viewOf(dataset(new Array<number>(60).fill(0)).stored, Int32Array.from(rows));
          const ends = windowEnds(view, T);
          const expected = [...ends].flatMap((i) => windowOf(rows[i]!, T));
          expect([...(await readWindows(view, ends, T))]).toEqual(expected);
        },
      ),
    );
  });

  it("read each row once where ends ascend, and no row between distant windows", async () => {
    const { stored, read } = dataset(new Array<number>(100).fill(0));
    const view = viewOf(stored, Int32Array.of(10, 11, 12, 15, 50));
    await readWindows(view, Int32Array.of(0, 1, 2, 3, 4), 5);
    expect(read).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 46, 47, 48, 49, 50]);
  });
});

describe("windows of an array", () => {
  it("of rows are those of one piece", async () => {
    const X = rowsArray(6);
    const ends = windowEnds(X, 4);
    expect(ends).toEqual(Int32Array.of(3, 4, 5));
    expect([...(await readWindows(X, ends, 4))]).toEqual([3, 4, 5].flatMap((end) => windowOf(end, 4)));
    expect(windowEnds(X, 4, 1)).toEqual(Int32Array.of(4, 5));
    expect(windowEnds(X, 7)).toEqual(new Int32Array(0));
  });

  it("of windows are the windows", async () => {
    const { data } = rowsArray(6);
    const X: FeatureArray = { data, shape: [2, 3, WIDTH], featureNames: ["a", "b"] };
    expect(windowEnds(X, 3)).toEqual(Int32Array.of(0, 1));
    expect([...(await readWindows(X, Int32Array.of(1), 3))]).toEqual(windowOf(5, 3));
  });

  it("are refused in another length than is asked for, or with values missing", async () => {
    const { data } = rowsArray(6);
    const X: FeatureArray = { data, shape: [2, 3, WIDTH], featureNames: ["a", "b"] };
    expect(() => windowEnds(X, 4)).toThrow(
      expect.objectContaining({
        code: "data.wrong_shape",
        message: "Got 12 values in the shape (2, 3, 2) with 2 names; expected rows (N, 2) or windows (N, 4, 2).",
      }),
    );
    await expect(readWindows({ ...X, data: data.subarray(1) }, Int32Array.of(0), 3)).rejects.toMatchObject({
      code: "data.wrong_shape",
    });
    await expect(readWindows(rowsArray(6), Int32Array.of(2), 4)).rejects.toThrow(RangeError);
  });
});
