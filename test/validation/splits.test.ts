import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FoldwiseError, seededRandom } from "../../src/types/index.js";
import {
  backtestPaths,
  combinatorialPurged,
  type Fold,
  overlaps,
  purgedKFold,
  type Split,
  type SplitInput,
  splitCount,
  stopSlice,
  walkForward,
} from "../../src/validation/index.js";

/** Rows at irregular times, some unusable, with labels of random length; ends may pass the last row, and coincide. */
function randomInput(n: number, seed: number, longest: number, embargo: number): SplitInput {
  const random = seededRandom(seed);
  let time = 0;
  const timestamps = Float64Array.from({ length: n }, () => {
    time += 1 + random.int(5);
    return time;
  });
  const ends = Float64Array.from({ length: n }, (_, t) => {
    const exit = t + random.int(longest + 1);
    return timestamps[exit] ?? timestamps[n - 1]! + exit - n + 1;
  });
  const rows = Int32Array.from({ length: n }, (_, t) => t).filter(() => random.next() < 0.9);
  return { timestamps, ends, rows, embargo };
}

function failureOf(work: () => unknown): FoldwiseError {
  try {
    work();
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** One label of exactly `horizon` bars a row. */
function plainInput(n: number, horizon: number, embargo = 0): SplitInput {
  const timestamps = Float64Array.from({ length: n }, (_, t) => t);
  const ends = Float64Array.from({ length: n }, (_, t) => t + horizon);
  return { timestamps, ends, rows: Int32Array.from({ length: n }, (_, t) => t), embargo };
}

/** Training rows whose label interval meets that of any tested row: every pair is looked at. */
function leaking({ timestamps, ends }: SplitInput, { train, test }: Split): number[] {
  return [...train].filter((a) => test.some((b) => overlaps(timestamps[a]!, ends[a]!, timestamps[b]!, ends[b]!)));
}

const inputs = fc
  .record({
    n: fc.integer({ min: 120, max: 260 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    longest: fc.integer({ min: 0, max: 12 }),
    embargo: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ n, seed, longest, embargo }) => randomInput(n, seed, longest, embargo));

describe("every splitter", () => {
  const schemes: Record<string, (input: SplitInput) => Iterable<Fold>> = {
    "purged k-fold": (input) => purgedKFold(input, 5),
    "walk-forward, expanding": (input) => walkForward(input, { steps: { by: "folds", folds: 4 }, window: "expanding" }),
    "walk-forward, rolling": (input) =>
      walkForward(input, { steps: { by: "rows", train: 50, test: 17 }, window: "rolling" }),
    "CPCV, 6 choose 2": (input) => combinatorialPurged(input, { groups: 6, testGroups: 2 }),
  };
  for (const [name, splits] of Object.entries(schemes)) {
    it(`${name}: no training label meets a tested one, by all pairs`, () => {
      fc.assert(
        fc.property(inputs, (input) => {
          for (const fold of splits(input)) {
            expect(leaking(input, fold)).toEqual([]);
            expect(fold.train.some((row) => fold.test.includes(row))).toBe(false);
          }
        }),
        { numRuns: 60 },
      );
    });

    it(`${name}: only usable rows, ascending, each at most once`, () => {
      fc.assert(
        fc.property(inputs, (input) => {
          const usable = new Set(input.rows);
          for (const { train, test } of splits(input)) {
            for (const rows of [train, test]) {
              expect(rows.every((row, i) => usable.has(row) && (i === 0 || row > rows[i - 1]!))).toBe(true);
            }
          }
        }),
        { numRuns: 30 },
      );
    });
  }
});

describe("purged k-fold", () => {
  it("trains on every row that neither meets a tested label nor lies in the embargo behind the last of them", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        for (const fold of purgedKFold(input, 5)) {
          const { timestamps, ends, embargo } = input;
          const last = Math.max(...Array.from(fold.test, (row) => ends[row]!));
          const lastRow = timestamps.findLastIndex((time) => time <= last);
          const meets = (a: number): boolean =>
            fold.test.some((b) => overlaps(timestamps[a]!, ends[a]!, timestamps[b]!, ends[b]!));
          const others = [...input.rows].filter((row) => !fold.test.includes(row));
          const purged = others.filter(meets);
          const embargoed = others.filter((row) => !meets(row) && row > lastRow && row <= lastRow + embargo);
          const train = others.filter((row) => !purged.includes(row) && !embargoed.includes(row));
          expect([...fold.train]).toEqual(train);
          expect([fold.purged, fold.embargoed]).toEqual([purged.length, embargoed.length]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("tests every usable row once", () => {
    fc.assert(
      fc.property(inputs, fc.integer({ min: 2, max: 9 }), (input, folds) => {
        const tested = purgedKFold({ ...input, embargo: 0 }, folds).flatMap(({ test }) => [...test]);
        expect(tested).toEqual([...input.rows]);
      }),
    );
  });

  it.each([5, 10, 15, 20])(
    "leaks nothing at H = %i, where a purge from the first label's end leaks 4 H rows",
    (horizon) => {
      const input = plainInput(1000, horizon);
      const folds = purgedKFold(input, 5);
      expect(folds.flatMap((fold) => leaking(input, fold))).toEqual([]);
      // The known bug: before a fold, rows go only if their label ends after the *end* of the first tested label.
      const buggy = folds.flatMap(({ test, fold }) => {
        const [first, last] = [test[0]!, test.at(-1)!];
        const train = input.rows.filter((row) =>
          row < first ? row + horizon <= first + horizon - 1 : row > last + horizon,
        );
        return leaking(input, { train, test, purged: 0, embargoed: 0 }).map((row) => [fold, row]);
      });
      expect(buggy).toHaveLength(4 * horizon);
    },
  );

  it("counts what it purges and embargoes on both sides of a fold", () => {
    const [first, second] = purgedKFold(plainInput(100, 3, 7), 4);
    expect([first!.train[0], first!.purged, first!.embargoed]).toEqual([35, 3, 7]);
    expect([...second!.train.subarray(20, 23)]).toEqual([20, 21, 60]);
    expect([second!.purged, second!.embargoed]).toEqual([6, 7]);
  });
});

describe("walk-forward", () => {
  it("never trains on what comes after", () => {
    fc.assert(
      fc.property(inputs, fc.constantFrom("expanding" as const, "rolling" as const), (input, window) => {
        for (const { train, test } of walkForward(input, { steps: { by: "folds", folds: 4 }, window })) {
          expect(train.at(-1)!).toBeLessThan(test[0]!);
        }
      }),
    );
  });

  it("counts the embargo back from the last row that is left", () => {
    const [step] = walkForward(plainInput(100, 3, 5), {
      steps: { by: "rows", train: 60, test: 40 },
      window: "expanding",
    });
    expect([step!.train.at(-1), step!.purged, step!.embargoed]).toEqual([51, 3, 5]);
  });

  it("tests calendar months one after the other", () => {
    const timestamps = Float64Array.from({ length: 120 }, (_, day) => Date.UTC(2024, 0, 1 + day) * 1000);
    const input = { timestamps, ends: timestamps, rows: Int32Array.from(timestamps, (_, i) => i), embargo: 0 };
    const months = { by: "calendar", period: "month", train: 2 } as const;
    const steps = walkForward(input, { steps: months, window: "expanding" });
    // January and February 2024 are 60 days, March 31, April 29 of the 120 days.
    expect(steps.map(({ train, test }) => [train.length, test.length])).toEqual([
      [60, 31],
      [91, 29],
    ]);
    const rolling = walkForward(input, { steps: months, window: "rolling" });
    expect(rolling.map(({ train }) => [train[0], train.length])).toEqual([
      [0, 60],
      [31, 60],
    ]);
  });

  it.each([
    ["day", 119],
    ["week", 17],
    ["quarter", 1],
  ] as const)("knows the %s", (period, steps) => {
    const timestamps = Float64Array.from({ length: 120 }, (_, day) => Date.UTC(2024, 0, 1 + day) * 1000);
    const input = { timestamps, ends: timestamps, rows: Int32Array.from(timestamps, (_, i) => i), embargo: 0 };
    expect(walkForward(input, { steps: { by: "calendar", period, train: 1 }, window: "expanding" })).toHaveLength(
      steps,
    );
  });
});

describe("CPCV", () => {
  it("tests every row in C(N − 1, k − 1) splits", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const times = new Map<number, number>();
        for (const { test } of combinatorialPurged(input, { groups: 6, testGroups: 2 })) {
          for (const row of test) times.set(row, (times.get(row) ?? 0) + 1);
        }
        expect([...times.values()].every((count) => count === 5)).toBe(true);
        expect(times.size).toBe(input.rows.length);
      }),
      { numRuns: 20 },
    );
  });

  it("puts each split's answers into exactly one path a tested group", () => {
    const options = { groups: 6, testGroups: 2 };
    const folds = [...combinatorialPurged(plainInput(120, 2), options)];
    const paths = backtestPaths(options);
    expect([folds.length, splitCount(options), paths.length]).toEqual([15, 15, 5]);
    const used = paths.flatMap((path) => path.map((fold, group) => `${fold}:${group}`));
    const tested = folds.flatMap(({ fold, groups }) => groups.map((group) => `${fold}:${group}`));
    expect(used.sort()).toEqual(tested.sort());
  });

  it("embargoes behind each of two tested groups that do not touch", () => {
    const folds = [...combinatorialPurged(plainInput(60, 0, 2), { groups: 6, testGroups: 2 })];
    const apart = folds.find(({ groups }) => groups.join() === "0,2");
    expect([...apart!.train]).toEqual([
      12,
      13,
      14,
      15,
      16,
      17,
      18,
      19,
      ...Array.from({ length: 28 }, (_, i) => 32 + i),
    ]);
    const together = folds.find(({ groups }) => groups.join() === "0,1");
    expect([together!.train[0], together!.embargoed]).toEqual([22, 2]);
  });
});

describe("the slice that a fold stops by", () => {
  it("is the last 15 % of its training rows, and shares no moment with what is fitted", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        for (const { train } of purgedKFold({ ...input, embargo: Math.min(input.embargo, 3) }, 3)) {
          const { fit, stop, purged, embargoed } = stopSlice(input, train);
          expect(stop).toEqual(train.slice(train.length - Math.ceil(train.length * 0.15)));
          expect(leaking(input, { train: fit, test: stop, purged, embargoed })).toEqual([]);
          expect(fit.length + stop.length + purged + embargoed).toBe(train.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("bad input", () => {
  const input = plainInput(100, 3);
  it.each([
    ["one fold", () => purgedKFold(input, 1), "usage.folds", /1; it must be .* at least 2/],
    ["fewer rows than folds", () => purgedKFold(plainInput(4, 0), 5), "data.too_few_rows", /4 usable rows .* 5 folds/],
    [
      "an embargo longer than a fold",
      () => purgedKFold({ ...input, embargo: 26 }, 4),
      "usage.embargo",
      /26 rows .* 25 rows/,
    ],
    ["half a row of embargo", () => purgedKFold({ ...input, embargo: 0.5 }, 4), "usage.embargo", /0\.5/],
    ["labels as long as the data", () => purgedKFold(plainInput(100, 90), 2), "data.empty_fold", /spans 90 bars/],
    [
      "unsorted time",
      () => purgedKFold({ ...input, timestamps: input.timestamps.toReversed(), ends: input.ends.map(() => 1e9) }, 4),
      "data.unsorted",
      /Row 1 is not later/,
    ],
    [
      "labels that end before they start",
      () => purgedKFold({ ...input, ends: input.ends.map((end, i) => (i === 7 ? 6 : end)) }, 4),
      "data.label_end",
      /row 7/,
    ],
    [
      "a window longer than the data",
      () => walkForward(input, { steps: { by: "rows", train: 90, test: 20 }, window: "rolling" }),
      "usage.window",
      /90 training rows and 20 test rows, but there are 100/,
    ],
    [
      "more steps than the files of answers can number",
      () =>
        walkForward(input, { steps: { by: "rows", train: 50, test: 1 }, window: "expanding" }).concat(
          walkForward(plainInput(300, 3), { steps: { by: "rows", train: 50, test: 1 }, window: "expanding" }),
        ),
      "usage.folds",
      /250 steps; at most 127/,
    ],
    [
      "more training periods than there are",
      () => walkForward(input, { steps: { by: "calendar", period: "year", train: 1 }, window: "rolling" }),
      "usage.window",
      /span 1 of them \(year\)/,
    ],
    [
      "as many test groups as groups",
      () => splitCount({ groups: 3, testGroups: 3 }),
      "usage.folds",
      /none would train/,
    ],
    [
      "more splits than anyone fits",
      () => splitCount({ groups: 30, testGroups: 10 }),
      "usage.folds",
      /30045015 splits/,
    ],
    [
      "a fold too short to stop by",
      () => stopSlice({ ...input, embargo: 99 }, input.rows),
      "data.empty_fold",
      /held back/,
    ],
  ])("%s is refused", (_, split, code, message) => {
    const failure = failureOf(() => [...(split() as Iterable<unknown>)]);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(failure.remedy).toBeTruthy();
  });
});
