/** Which rows a sequence model is fitted and scored on, and the windows that an engine is told of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../../src/config/index.js";
import { openStored, viewOf, writeDataset } from "../../src/data/index.js";
import { readNpy } from "../../src/files/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { planCv } from "../../src/training/cv/plan.js";
import { engineInput } from "../../src/training/engineInput.js";
import { planRows } from "../../src/training/rows.js";
import { examplesOf, seqLenOf, withWindows } from "../../src/training/sequence.js";
import type { FeatureArray, FeatureMatrix, StoredDataset } from "../../src/types/index.js";
import { planHoldout } from "../../src/validation/index.js";
import { bigDataset } from "../data/datasets.js";

const ROWS = 600;
/** Pieces of 250, 180, 50 and 120 rows; the training part ends with row 419. */
const BORDERS = [250, 430, 480];
const pieceOf = (row: number): number => BORDERS.filter((border) => border <= row).length;
const range = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);
/** By the definition: the T rows up to and with this one are of one piece, and none lies before `from`. */
const endsWindow = (row: number, T: number, from = 0): boolean =>
  row - T + 1 >= from && pieceOf(row - T + 1) === pieceOf(row);

const scratch = mkdtempSync(join(tmpdir(), "foldwise-sequence-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const newFolder = (): string => mkdtempSync(join(scratch, "case-"));

let dataset: StoredDataset;
let other: StoredDataset;
beforeAll(async () => {
  const open = async (seed: number): Promise<StoredDataset> => {
    const out = newFolder();
    const toy = bigDataset({ rows: ROWS, features: 2, seed });
    const piece = Int32Array.from({ length: ROWS }, (_, row) => pieceOf(row));
    await writeDataset({ ...toy, piece }, { out, layouts: ["series"] });
    return openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
  };
  [dataset, other] = [await open(1), await open(2)];
});

const plan = () => {
  const { horizons, parts } = dataset.manifest;
  return planHoldout({
    timestamps: dataset.timestamps(),
    labels: horizons.map((horizon) => dataset.labels(horizon)),
    labelEnds: horizons.map((horizon) => dataset.labelEnds(horizon)),
    parts,
    embargo: 5,
  });
};

describe("seqLenOf", () => {
  it("is the setting of a sequence model, and null for one of rows", () => {
    expect(seqLenOf(ModelRegistry.getModel("lstm"), { seq_len: 12 })).toBe(12);
    expect(seqLenOf(ModelRegistry.getModel("xgboost"), { seq_len: 12 })).toBeNull();
  });

  it("refuses a sequence model that has none", () => {
    expect(() => seqLenOf(ModelRegistry.getModel("tcn"), {})).toThrow(/no training.seq_len/);
  });
});

describe("withWindows", () => {
  it("keeps of the scored parts the rows that end a window, and counts the others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (T) => {
        const [before, after] = [plan(), withWindows(plan(), dataset, T)];
        for (const part of ["stop", "calibrate", "test"] as const) {
          const expected = [...before[part]].filter((row) => endsWindow(row, T));
          expect([...after[part]]).toEqual(expected);
          expect(after.lost[part].windowless).toBe(before[part].length - expected.length);
        }
        expect(after.train).toEqual(before.train);
      }),
      { numRuns: 30 },
    );
  });

  it("leaves the plan of a run without sequence models as it is", () => {
    expect(withWindows(plan(), dataset, null)).toEqual(plan());
  });

  it("refuses a window that is longer than every piece of a part", () => {
    expect(() => withWindows(plan(), dataset, 130)).toThrow(
      /none of the \d+ rows of the \w+ part ends a window of 130/,
    );
  });
});

describe("a window longer than every piece of the data", () => {
  const refusal = /A window of 251 bars is longer than any piece of the data; the longest has 250 bars/;

  it("is refused by its name, not by what the embargo that grows with it left", () => {
    expect(() => planRows(dataset, undefined, 251)).toThrow(refusal);
    expect(() => planRows(dataset, 5, 250)).toThrow(/none of the \d+ rows of the \w+ part/);
  });

  it("is refused in cross-validation too", () => {
    const { validation } = resolveTrainingConfig({ cwd: process.cwd(), flags: {} }).config;
    expect(() => planCv(dataset, validation, undefined, 251)).toThrow(refusal);
  });
});

describe("an embargo that leaves no rows", () => {
  const { validation } = resolveTrainingConfig({ cwd: process.cwd(), flags: {} }).config;
  const window = /The window of 200 bars sets that embargo/;

  it("is blamed on the window that raised it", () => {
    expect(() => planRows(dataset, undefined, 200)).toThrow(window);
    expect(() => planCv(dataset, validation, undefined, 200)).toThrow(window);
    const remedy = expect.stringMatching(/^Use a shorter window \(--seq-len\)\. Or: /);
    expect(() => planCv(dataset, validation, undefined, 200)).toThrow(expect.objectContaining({ remedy }));
  });

  it("is not where it was asked for, or there is no window", () => {
    expect(() => planRows(dataset, 400, 20)).toThrow(/lie in the embargo of 400 rows\.$/);
    expect(() => planRows(dataset, 400, null)).toThrow(/lie in the embargo of 400 rows\.$/);
    expect(() => planCv(dataset, validation, 400, 20)).toThrow(/^(?!.*sets that embargo)/);
  });
});

describe("the engine's input of a sequence model", () => {
  const T = 7;
  const array = (shape: FeatureArray["shape"]): FeatureArray => ({
    kind: "array",
    data: Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, (_, i) => i),
    shape,
    featureNames: ["a", "b"],
  });
  const labels = (n: number): Int8Array => Int8Array.from({ length: n }, (_, i) => (i % 3) - 1);
  const pieces = (path: string | null | undefined): number[] => [...readNpy(path!, "<i4").data];

  it("of a dataset's rows: its own files, and windows that begin within the training part", async () => {
    const { start } = dataset.manifest.parts.train;
    const [train, stop] = [range(start, 400), range(420, 500)];
    const y = dataset.labels(5);
    const of = (rows: Int32Array): Int8Array => Int8Array.from(rows, (row) => y[row]!);
    const [XTrain, XStop] = [viewOf(dataset, train), viewOf(dataset, stop)];
    const input = await engineInput(XTrain, of(train), XStop, of(stop), newFolder(), T);
    expect(input).toMatchObject({ dataset: dataset.dir, horizon: 5, window: { length: T, from: start, to: 400 } });
    expect([...input.trainRows]).toEqual([...train].filter((row) => endsWindow(row, T, start)));
    // Bars of the training part are context of the first validation windows, as they are when the model is served.
    expect([...input.stopRows]).toEqual([...stop].filter((row) => endsWindow(row, T)));
    expect([...input.train].map((i) => train[i])).toEqual([...input.trainRows]);
    expect([...input.stop].map((i) => stop[i])).toEqual([...input.stopRows]);
    expect(pieces(input.window?.piece)).toEqual(Array.from({ length: ROWS }, (_, row) => pieceOf(row)));
  });

  it("of a fold's later rows: windows do not begin before the fold does", async () => {
    const [train, stop] = [range(100, 300), range(350, 400)];
    const [XTrain, XStop] = [viewOf(dataset, train), viewOf(dataset, stop)];
    const given = [labels(train.length), labels(stop.length)] as const;
    const { window, trainRows } = await engineInput(XTrain, given[0], XStop, given[1], newFolder(), T);
    expect(window).toMatchObject({ to: 300 });
    expect(Math.min(...trainRows) - T + 1).toBeGreaterThanOrEqual(window!.from);
  });

  it("of rows in memory: training and validation are a piece each", async () => {
    const [X, XStop] = [array([40, 2]), array([20, 2])];
    const input = await engineInput(X, labels(40), XStop, labels(20), newFolder(), T);
    expect([...input.trainRows]).toEqual([...range(T - 1, 40)]);
    expect([...input.stopRows]).toEqual([...range(40 + T - 1, 60)]);
    expect(input.window).toMatchObject({ length: T, from: 0, to: 40 });
    const piece = pieces(input.window?.piece);
    expect(new Set(piece.slice(0, 40)).size).toBe(1);
    expect(piece[40]).not.toBe(piece[39]);
  });

  it("of windows in memory: each is a piece, and none is lost", async () => {
    const [X, XStop] = [array([9, T, 2]), array([4, T, 2])];
    const input = await engineInput(X, labels(9), XStop, labels(4), newFolder(), T);
    expect([...input.trainRows]).toEqual(Array.from({ length: 9 }, (_, i) => (i + 1) * T - 1));
    expect([...input.stopRows]).toEqual(Array.from({ length: 4 }, (_, i) => (9 + i + 1) * T - 1));
    expect(input.window).toMatchObject({ to: 9 * T });
    expect(new Set(pieces(input.window?.piece)).size).toBe(13);
  });

  it("refuses windows of another length, and rows too few for one", async () => {
    const input = (X: FeatureArray, n: number, length: number) =>
      engineInput(X, labels(n), X, labels(n), newFolder(), length);
    await expect(input(array([9, 5, 2]), 9, T)).rejects.toMatchObject({ code: "data.wrong_shape" });
    await expect(input(array([6, 2]), 6, T)).rejects.toMatchObject({ code: "data.no_window" });
    expect(() => examplesOf(viewOf(dataset, range(430, 480)), 51, "of training")).toThrow(/a window of 51 bars/);
  });

  it("takes unbroken rows of two datasets, and refuses others: copied side by side, their rows would be neighbours", async () => {
    const of = (first: Int32Array, X: FeatureMatrix, n: number) =>
      engineInput(viewOf(dataset, first), labels(first.length), X, labels(n), newFolder(), T);
    const later = viewOf(other, range(260, 310));
    expect((await of(range(0, 100), later, 50)).trainRows).toHaveLength(94);
    const hole = Int32Array.from([...range(0, 50), ...range(60, 100)]);
    const array50 = { ...array([50, 2]), featureNames: later.featureNames };
    for (const X of [later, array50]) {
      await expect(of(hole, X, 50)).rejects.toMatchObject({ code: "data.two_datasets" });
      await expect(of(range(200, 300), X, 50)).rejects.toMatchObject({ code: "data.two_datasets" });
    }
  });
});
