import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FoldwiseError, NO_LABEL, type PartName, type RowRange, seededRandom } from "../../src/types/index.js";
import {
  assertNoLeak,
  defaultEmbargo,
  HOLDOUT_PARTS,
  type HoldoutInput,
  latestEnds,
  overlaps,
  planHoldout,
  rowsMeeting,
} from "../../src/validation/index.js";

/**
 * Rows with labels of random length, some context rows, irregular times; ends may pass the last row. `derived`: ends as the
 * contract gives them where a file has none, the stamp H rows on.
 */
function randomDataset(n: number, seed: number, horizons: readonly number[], derived = false): HoldoutInput {
  const random = seededRandom(seed);
  let time = 0;
  const timestamps = Float64Array.from({ length: n }, () => {
    time += 1 + random.int(5);
    return time;
  });
  const labels = horizons.map(() =>
    Int8Array.from({ length: n }, () => (random.next() < 0.1 ? NO_LABEL : random.int(3) - 1)),
  );
  const labelEnds = horizons.map((horizon, h) =>
    Float64Array.from({ length: n }, (_, t) => {
      const exit = derived ? t + horizon : t + 1 + random.int(horizon);
      if (labels[h]![t] === NO_LABEL) return Number.NaN;
      return timestamps[exit] ?? timestamps[n - 1]! + 3 * (exit - n + 1);
    }),
  );
  const val = Math.floor(n * 0.6);
  const test = Math.floor(n * 0.8);
  const parts: Record<PartName, RowRange> = {
    train: { start: 0, end: val },
    val: { start: val, end: test },
    test: { start: test, end: n },
  };
  return { timestamps, labels, labelEnds, parts };
}

const datasets = fc
  .record({
    n: fc.integer({ min: 400, max: 600 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    horizons: fc.constantFrom([1], [5], [3, 12], [2, 5, 9]),
    embargo: fc.integer({ min: 0, max: 10 }),
    derived: fc.boolean(),
  })
  .map(({ n, seed, horizons, embargo, derived }) => ({ ...randomDataset(n, seed, horizons, derived), embargo }));

/** 100 rows, labels of exactly three bars at one horizon: train 60, val 20, test 20. */
function plainDataset(): HoldoutInput {
  const timestamps = Float64Array.from({ length: 100 }, (_, t) => t);
  return {
    timestamps,
    labels: [new Int8Array(100)],
    labelEnds: [timestamps.map((t) => t + 3)],
    parts: { train: { start: 0, end: 60 }, val: { start: 60, end: 80 }, test: { start: 80, end: 100 } },
    embargo: 2,
  };
}

const range = (start: number, end: number): Int32Array => Int32Array.from({ length: end - start }, (_, i) => start + i);

describe("the hold-out plan", () => {
  it("purges and embargoes the end of each earlier part and leaves the later one whole", () => {
    const plan = planHoldout(plainDataset());
    // A label of row 57 ends at 60, the moment at which the first stop row is known: it goes too.
    expect(plan.train).toEqual(range(0, 55));
    expect(plan.stop).toEqual(range(60, 65));
    expect(plan.calibrate).toEqual(range(70, 75));
    expect(plan.test).toEqual(range(80, 100));
    expect(plan.lost).toEqual({
      train: { unlabelled: 0, purged: 3, embargoed: 2, windowless: 0 },
      stop: { unlabelled: 0, purged: 3, embargoed: 2, windowless: 0 },
      calibrate: { unlabelled: 0, purged: 3, embargoed: 2, windowless: 0 },
      test: { unlabelled: 0, purged: 0, embargoed: 0, windowless: 0 },
    });
  });

  it("never lets a label interval of one part meet one of another, by brute force", () => {
    fc.assert(
      fc.property(datasets, (input) => {
        const plan = planHoldout(input);
        for (const [i, earlier] of HOLDOUT_PARTS.entries()) {
          for (const later of HOLDOUT_PARTS.slice(i + 1)) {
            for (const ends of input.labelEnds) {
              for (const a of plan[earlier]) {
                for (const b of plan[later]) {
                  if (overlaps(input.timestamps[a]!, ends[a]!, input.timestamps[b]!, ends[b]!)) {
                    throw new Error(`row ${a} of ${earlier} meets row ${b} of ${later}`);
                  }
                }
              }
            }
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it("uses only rows labelled at every horizon, and accounts for every row", () => {
    fc.assert(
      fc.property(datasets, (input) => {
        const plan = planHoldout(input);
        let rows = 0;
        for (const part of HOLDOUT_PARTS) {
          for (const row of plan[part]) expect(input.labels.every((y) => y[row] !== NO_LABEL)).toBe(true);
          const { unlabelled, purged, embargoed } = plan.lost[part];
          rows += plan[part].length + unlabelled + purged + embargoed;
        }
        expect(rows).toBe(input.timestamps.length);
      }),
      { numRuns: 30 },
    );
  });

  it("keeps evaluation rows whatever the embargo", () => {
    fc.assert(
      fc.property(datasets, (input) => {
        const plan = planHoldout(input);
        const without = planHoldout({ ...input, embargo: 0 });
        expect(plan.test).toEqual(without.test);
        expect(plan.stop[0]).toBe(without.stop[0]);
        expect(plan.calibrate[0]).toBe(without.calibrate[0]);
      }),
      { numRuns: 30 },
    );
  });

  it("leaves at least the embargo between a part's last row and its border", () => {
    fc.assert(
      fc.property(datasets, (input) => {
        const plan = planHoldout(input);
        expect(input.parts.val.start - plan.train.at(-1)!).toBeGreaterThan(input.embargo);
        expect(input.parts.test.start - plan.calibrate.at(-1)!).toBeGreaterThan(input.embargo);
      }),
      { numRuns: 30 },
    );
  });

  it("is the same in whatever order the horizons stand", () => {
    fc.assert(
      fc.property(datasets, (input) => {
        const reversed = { labels: input.labels.toReversed(), labelEnds: input.labelEnds.toReversed() };
        expect(planHoldout({ ...input, ...reversed })).toEqual(planHoldout(input));
      }),
      { numRuns: 20 },
    );
  });

  it("halves validation by labelled rows, not by all rows", () => {
    const input = { ...plainDataset(), embargo: 0 };
    for (let t = 60; t < 70; t++) {
      input.labels[0]![t] = NO_LABEL;
      input.labelEnds[0]![t] = Number.NaN;
    }
    const plan = planHoldout(input);
    expect(plan.stop).toEqual(range(70, 72));
    expect(plan.calibrate).toEqual(range(75, 77));
    expect(plan.lost.stop).toEqual({ unlabelled: 10, purged: 3, embargoed: 0, windowless: 0 });
  });

  it("counts the embargo in rows of the dataset, not in labelled rows", () => {
    const input = { ...plainDataset(), embargo: 8 };
    for (let t = 0; t < 60; t++) if (t % 4 !== 0) input.labelEnds[0]![t] = Number.NaN;
    const plan = planHoldout({
      ...input,
      parts: { ...input.parts, val: { start: 60, end: 84 }, test: { start: 84, end: 100 } },
    });
    expect([...plan.train.subarray(-2)]).toEqual([44, 48]);
    expect(plan.lost.train).toEqual({ unlabelled: 45, purged: 0, embargoed: 2, windowless: 0 });
  });

  it("refuses a part that ends up empty, and says what took its rows", () => {
    const plan = () => planHoldout({ ...plainDataset(), embargo: 7 });
    expect(plan).toThrow(
      'No row is left in the "stop" part: of 10 rows 0 are not labelled at every horizon, 3 have labels that reach into the next part, 7 lie in the embargo of 7 rows.',
    );
    expect(errorOf(plan)).toMatchObject({
      code: "data.empty_part",
      exitCode: 2,
      remedy: expect.stringContaining("--embargo"),
    });
  });

  it("refuses an empty test part", () => {
    const input = plainDataset();
    const parts = { ...input.parts, test: { start: 100, end: 100 } };
    expect(() => planHoldout({ ...input, parts })).toThrow(/No row is left in the "test" part/);
  });

  it("refuses an embargo that is no number of rows", () => {
    expect(errorOf(() => planHoldout({ ...plainDataset(), embargo: 1.5 }))).toMatchObject({ code: "usage.embargo" });
  });
});

describe("the default embargo", () => {
  it("is 1 % of train and validation, at least 59, and covers a longer window", () => {
    expect([defaultEmbargo(1000), defaultEmbargo(85_000), defaultEmbargo(85_001), defaultEmbargo(1000, 120)]).toEqual([
      59, 850, 851, 119,
    ]);
  });
  it("is what a plan applies when none is given", () => {
    const { embargo: _, ...input } = randomDataset(2000, 7, [5]) as HoldoutInput & { embargo?: number };
    expect(planHoldout(input).embargo).toBe(59);
  });
});

describe("the proof that nothing leaks", () => {
  it("passes every plan", () => {
    fc.assert(
      fc.property(datasets, (input) => assertNoLeak(planHoldout(input), input.timestamps, input.labelEnds)),
      { numRuns: 50 },
    );
  });

  it("fails when one purged row is put back", () => {
    const input = plainDataset();
    const plan = planHoldout(input);
    const leak = () =>
      assertNoLeak({ ...plan, train: Int32Array.of(...plan.train, 57) }, input.timestamps, input.labelEnds);
    expect(leak).toThrow('1 rows of "train" have label intervals that meet those of "stop"; the first is row 57.');
    expect(errorOf(leak).code).toBe("data.label_leak");
  });

  it("finds the same overlaps as comparing all pairs", () => {
    fc.assert(
      fc.property(datasets, fc.integer({ min: 1, max: 1000 }), (input, seed) => {
        const random = seededRandom(seed);
        const ends = latestEnds(input.labelEnds);
        const rows = [...ends.keys()].filter((t) => !Number.isNaN(ends[t]!));
        const a = Int32Array.from(rows.filter(() => random.next() < 0.1));
        const b = Int32Array.from(rows.filter(() => random.next() < 0.1));
        const slow = a.filter((i) =>
          b.some((j) => overlaps(input.timestamps[i]!, ends[i]!, input.timestamps[j]!, ends[j]!)),
        );
        expect(rowsMeeting(input.timestamps, ends, a, b)).toEqual(slow);
      }),
      { numRuns: 50 },
    );
  });
});

function errorOf(run: () => unknown): FoldwiseError {
  try {
    run();
  } catch (error) {
    return error as FoldwiseError;
  }
  throw new Error("nothing was thrown");
}
