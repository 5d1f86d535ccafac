/** Without purge and embargo the splitters are those of scikit-learn and skfolio: `test/fixtures/splits/make.py` made the indices. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  backtestPaths,
  combinatorialPurged,
  type Fold,
  purgedKFold,
  type SplitInput,
  walkForward,
} from "../../src/validation/index.js";

const rows = z.array(z.number());
const splits = z.array(z.object({ train: rows, test: rows }));
const golden = z
  .object({
    rows: z.number(),
    kfold: z.record(z.string(), splits),
    time_series: z.record(z.string(), splits),
    time_series_rolling: splits,
    walk_forward_rolling: splits,
    walk_forward_expanding: splits,
    combinatorial: splits,
    combinatorial_paths: z.array(z.array(z.number())),
  })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/splits/golden.json", import.meta.url), "utf8")));

/** Labels that end where they begin: nothing to purge. */
const timestamps = Float64Array.from({ length: golden.rows }, (_, i) => i);
const input: SplitInput = { timestamps, ends: timestamps, rows: Int32Array.from(timestamps), embargo: 0 };
const plain = (folds: Iterable<Fold>) =>
  [...folds].map(({ train, test }) => ({ train: [...train], test: [...test].sort((a, b) => a - b) }));

describe("with nothing to purge and no embargo", () => {
  it.each(Object.entries(golden.kfold))("k-fold of %s is scikit-learn's KFold", (folds, expected) => {
    expect(plain(purgedKFold(input, Number(folds)))).toEqual(expected);
  });

  it.each(Object.entries(golden.time_series))("walk-forward of %s steps is TimeSeriesSplit", (folds, expected) => {
    const steps = { by: "folds", folds: Number(folds) } as const;
    expect(plain(walkForward(input, { steps, window: "expanding" }))).toEqual(expected);
  });

  it("walk-forward that rolls is TimeSeriesSplit with the first window as max_train_size", () => {
    const steps = { by: "folds", folds: 4 } as const;
    expect(plain(walkForward(input, { steps, window: "rolling" }))).toEqual(golden.time_series_rolling);
  });

  it("walk-forward by rows is skfolio's WalkForward", () => {
    const steps = { by: "rows", train: 50, test: 17 } as const;
    expect(plain(walkForward(input, { steps, window: "rolling" }))).toEqual(golden.walk_forward_rolling);
    expect(plain(walkForward(input, { steps, window: "expanding" }))).toEqual(golden.walk_forward_expanding);
  });

  it("CPCV is skfolio's, whose groups differ in where the odd rows go", () => {
    // 102 of the 103 rows make six equal groups on both sides.
    const even = { ...input, rows: input.rows.slice(0, 102) };
    const cut = golden.combinatorial.map(({ train, test }) => ({
      train: train.filter((row) => row < 102),
      test: test.filter((row) => row < 102),
    }));
    expect(plain(combinatorialPurged(even, { groups: 6, testGroups: 2 }))).toEqual(cut);
  });

  it("CPCV has skfolio's number of paths, each through every group once", () => {
    const paths = backtestPaths({ groups: 6, testGroups: 2 });
    const theirs = new Set(golden.combinatorial_paths.flat());
    expect(paths).toHaveLength(theirs.size);
    for (const path of paths) expect(path).toHaveLength(6);
  });
});
