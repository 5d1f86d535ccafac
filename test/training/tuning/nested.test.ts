/** The folds within an outer fold: nothing of the outer fold's tested rows is known there. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CvPlan } from "../../../src/training/cv/plan.js";
import { innerPlan } from "../../../src/training/tuning/nested.js";
import { seededRandom } from "../../../src/types/index.js";
import {
  backtestPaths,
  combinatorialPurged,
  overlaps,
  purgedKFold,
  type SplitInput,
  walkForward,
} from "../../../src/validation/index.js";
import { thrown } from "../../config/support.js";

/** Rows at irregular times, some unusable, with labels of random length. */
function randomInput(n: number, seed: number, longest: number, embargo: number): SplitInput {
  const random = seededRandom(seed);
  let time = 0;
  const timestamps = Float64Array.from({ length: n }, () => {
    time += 1 + random.int(5);
    return time;
  });
  const ends = Float64Array.from({ length: n }, (_, t) => timestamps[Math.min(n - 1, t + random.int(longest + 1))]!);
  const rows = Int32Array.from({ length: n }, (_, t) => t).filter(() => random.next() < 0.9);
  return { timestamps, ends, rows, embargo };
}

const LOST = { unlabelled: 0, windowless: 0, reachingTest: 0 };
const PLANS: Record<string, (input: SplitInput) => CvPlan> = {
  kfold: (input) => ({
    ...input,
    folds: purgedKFold(input, 4),
    scheme: { name: "kfold", description: "purged 4-fold" },
    paths: null,
    lost: LOST,
  }),
  "walk-forward": (input) => ({
    ...input,
    folds: walkForward(input, { steps: { by: "folds", folds: 3 }, window: "expanding" }),
    scheme: { name: "walk-forward", description: "walk-forward" },
    paths: null,
    lost: LOST,
  }),
  cpcv: (input) => ({
    ...input,
    folds: [...combinatorialPurged(input, { groups: 5, testGroups: 2 })],
    scheme: { name: "cpcv", description: "CPCV" },
    paths: backtestPaths({ groups: 5, testGroups: 2 }),
    lost: LOST,
  }),
};

const inputs = fc
  .record({
    n: fc.integer({ min: 260, max: 400 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    longest: fc.integer({ min: 0, max: 8 }),
    embargo: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ n, seed, longest, embargo }) => randomInput(n, seed, longest, embargo));

describe.each(Object.entries(PLANS))("inside an outer fold of %s", (name, planOf) => {
  it("all rows are the outer fold's training rows, and no label meets one of its tested rows", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planOf(input);
        for (const outer of plan.folds) {
          const inner = innerPlan(plan, outer);
          const train = new Set(outer.train);
          expect(inner.folds).toHaveLength(Math.min(5, plan.folds.length));
          expect(inner.paths).toBeNull();
          for (const fold of inner.folds) {
            expect(fold.test.length).toBeGreaterThan(0);
            expect([...fold.train, ...fold.test].every((row) => train.has(row))).toBe(true);
          }
          const { timestamps, ends } = input;
          const used = new Set(inner.folds.flatMap((fold) => [...fold.train, ...fold.test]));
          const meets = [...used].filter((a) =>
            outer.test.some((b) => overlaps(timestamps[a]!, ends[a]!, timestamps[b]!, ends[b]!)),
          );
          expect(meets).toEqual([]);
        }
      }),
      { numRuns: 12 },
    );
  });

  it("a fold's training labels meet none of its own tested ones, and the scheme is the outer one's", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const plan = planOf(input);
        const inner = innerPlan(plan, plan.folds[0]!);
        const { timestamps, ends } = input;
        for (const { train, test } of inner.folds) {
          expect(train.some((row) => test.includes(row))).toBe(false);
          expect(
            train.some((a) => test.some((b) => overlaps(timestamps[a]!, ends[a]!, timestamps[b]!, ends[b]!))),
          ).toBe(false);
          if (name === "walk-forward") expect(train.at(-1)!).toBeLessThan(test[0]!);
        }
        expect(inner.scheme.name).toBe(name === "cpcv" ? "kfold" : name);
      }),
      { numRuns: 12 },
    );
  });
});

it("an outer fold that is too small for folds of its own is refused by its number, with what to change", () => {
  const plan = PLANS.kfold!(randomInput(300, 3, 2, 2));
  const outer = { ...plan.folds[1]!, train: plan.folds[1]!.train.slice(0, 3) };
  const { message, remedy } = thrown(() => innerPlan(plan, outer));
  expect(message).toMatch(/^Inside outer fold 2: /);
  expect(remedy).toMatch(/fewer --folds.*--embargo.*--nested/);
});
