/** The order of a trial's folds: by what they cost the first trial that was completed. */
import { describe, expect, it } from "vitest";
import { cheapestFirst, FoldOrders } from "../../../src/training/tuning/foldOrder.js";
import type { TrialPlan } from "../../../src/training/tuning/trial.js";
import type { TrialRecord } from "../../../src/training/tuning/tuner.js";

/** `repeats` × folds of so many training rows. */
const planOf = (rows: readonly number[], repeats = 1): TrialPlan => ({
  tasks: Array.from({ length: repeats }, (_, repeat) =>
    rows.map((count) => ({ repeat, rows: { fit: new Int32Array(count) } })),
  ).flat() as unknown as TrialPlan["tasks"],
});

const trial = (slot: number, total_epochs: unknown, more: Partial<TrialRecord> = {}): TrialRecord => ({
  ...{ number: slot, slot, state: "complete", value: 1, params: {}, intermediate: [], started: null, ended: null },
  attrs: { total_epochs },
  ...more,
});

describe("the cheapest fold first", () => {
  it("by rounds × rows of the completed trial of the first slot", () => {
    const trials = [trial(3, [1, 2, 3]), trial(1, [30, 20, 10]), trial(0, [9, 1, 5], { state: "pruned" })];
    expect(cheapestFirst(planOf([100, 100, 100]), trials)).toEqual([2, 1, 0]);
    expect(cheapestFirst(planOf([100, 200, 900]), trials)).toEqual([0, 1, 2]);
  });

  it("by rows where nothing has rounds, and as planned where all cost the same", () => {
    expect(cheapestFirst(planOf([300, 100, 200]), [trial(0, [0, 0, 0])])).toEqual([1, 2, 0]);
    expect(cheapestFirst(planOf([100, 100, 100]), [trial(0, [0, 0, 0])])).toEqual([0, 1, 2]);
  });

  it("by rows where the study's file holds no numbers", () => {
    expect(cheapestFirst(planOf([300, 100, 200]), [trial(0, ["x", null])])).toEqual([1, 2, 0]);
  });

  it("of one seed before those of the next", () => {
    expect(cheapestFirst(planOf([100, 100], 2), [trial(0, [4, 2, 1, 3])])).toEqual([1, 0, 2, 3]);
  });

  it("is unknown while no trial is completed; one that somebody else made does not count", () => {
    expect(cheapestFirst(planOf([1, 2]), [])).toBeNull();
    const others = [trial(0, undefined), trial(1, [2, 1], { slot: null }), trial(2, [2, 1], { state: "running" })];
    expect(cheapestFirst(planOf([1, 2]), others)).toBeNull();
  });
});

describe("the order of the next trial", () => {
  it("is asked of the study until it is known, and of a race only", async () => {
    const answers = [[], [trial(0, [2, 1])], [trial(0, [1, 2])]];
    let asked = 0;
    const study = { racing: true, trials: async () => answers[asked++]! };
    const orders = new FoldOrders(study, planOf([5, 5]));
    expect([await orders.next(), await orders.next(), await orders.next(), asked]).toEqual([
      undefined,
      [1, 0],
      [1, 0],
      2,
    ]);
    expect(await new FoldOrders({ ...study, racing: false }, planOf([5, 5])).next()).toBeUndefined();
    expect(asked).toBe(2);
  });
});
