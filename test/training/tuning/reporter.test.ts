/** Intermediate values on their way to whoever judges them: in order, in batches, and up to the same value however long the answers take. */
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Reporter } from "../../../src/training/tuning/reporter.js";

/** Judges as the tuner does: at the first value above `limit` it has enough. Each answer takes the next of `ticks`. */
class Judge {
  readonly batches: (readonly [number, number])[][] = [];
  readonly recorded: (readonly [number, number])[] = [];
  atOnce = 0;
  #atWork = 0;

  constructor(
    private readonly limit: number,
    private readonly ticks: readonly number[] = [1],
    /** The first step at which it may end a trial. */
    public from = 0,
  ) {}

  mayPruneAt(step: number): boolean {
    return step >= this.from;
  }

  async report(
    trial: number,
    values: readonly (readonly [number, number])[],
    judgeFrom: number | null,
  ): Promise<number | null> {
    expect(trial).toBe(5);
    this.atOnce = Math.max(this.atOnce, ++this.#atWork);
    const wait = this.ticks[this.batches.length % this.ticks.length]!;
    this.batches.push([...values]);
    for (let tick = 0; tick < wait; tick++) await setImmediate();
    this.#atWork--;
    for (const [i, pair] of values.entries()) {
      this.recorded.push(pair);
      if (judgeFrom !== null && i >= judgeFrom && pair[1] > this.limit) return pair[0];
    }
    return null;
  }
}

async function told(judge: Judge, values: readonly number[], gaps: readonly number[]) {
  let pruned = 0;
  const reporter = new Reporter(judge, 5, () => pruned++);
  for (const [step, value] of values.entries()) {
    reporter.tell(step, value);
    for (let tick = 0; tick < gaps[step % gaps.length]!; tick++) await setImmediate();
  }
  await reporter.settled();
  return { reporter, pruned: () => pruned };
}

const ticks = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });

describe("values of a trial", () => {
  it("arrive in order and whole, one message at a time, where nothing is pruned", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        ticks,
        ticks,
        async (values, slow, gaps) => {
          const judge = new Judge(1, slow);
          const { reporter, pruned } = await told(judge, values, gaps);
          expect(judge.recorded).toEqual(values.map((value, step) => [step, value]));
          expect(judge.atOnce).toBeLessThanOrEqual(1);
          expect([reporter.prunedAt, pruned()]).toEqual([null, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("that come while an answer is awaited go together in the next message", async () => {
    const judge = new Judge(1);
    await told(judge, [0.1, 0.2, 0.3, 0.4], [0]);
    expect(judge.batches.map((batch) => batch.map(([step]) => step))).toEqual([[0], [1, 2, 3]]);
  });

  it("are recorded up to the one that prunes, however fast they come and are answered", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 1 }),
        ticks,
        ticks,
        async (values, slow, gaps) => {
          const judge = new Judge(1, slow);
          const { reporter, pruned } = await told(judge, values, gaps);
          const at = values.findIndex((value) => value > 1);
          expect(reporter.prunedAt).toBe(at < 0 ? null : at);
          expect(pruned()).toBe(at < 0 ? 0 : 1);
          const until = at < 0 ? values : values.slice(0, at + 1);
          expect(judge.recorded).toEqual(until.map((value, step) => [step, value]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("that are no numbers are not told", async () => {
    const judge = new Judge(1);
    await told(judge, [0.5, Number.NaN, Number.POSITIVE_INFINITY, 0.25], [1]);
    expect(judge.recorded).toEqual([
      [0, 0.5],
      [3, 0.25],
    ]);
  });
});

it("what goes wrong with the judge is told to whoever waits, and not as an unhandled rejection", async () => {
  let asked = 0;
  const broken = {
    mayPruneAt: () => true,
    report: async () => {
      asked++;
      await setImmediate();
      throw new Error("the study is gone");
    },
  };
  const reporter = new Reporter(broken, 5, () => {
    throw new Error("it was not pruned");
  });
  reporter.tell(0, 0.1);
  reporter.tell(1, 0.2);
  await expect(reporter.settled()).rejects.toThrow("the study is gone");
  await expect(reporter.settled()).rejects.toThrow("the study is gone");
  expect([asked, reporter.prunedAt]).toEqual([1, null]);
});

it("values that cannot end the trial wait for one that can, or for its end", async () => {
  const judge = new Judge(1, [1], 2);
  const reporter = new Reporter(judge, 5, () => {});
  reporter.tell(0, 0.5);
  reporter.tell(1, 0.5);
  await reporter.settled();
  expect(judge.batches).toEqual([]);
  reporter.tell(2, 0.5);
  await reporter.settled();
  expect(judge.batches).toEqual([
    [
      [0, 0.5],
      [1, 0.5],
      [2, 0.5],
    ],
  ]);
  reporter.tell(1, 0.4);
  await reporter.finish();
  expect(judge.batches.at(-1)).toEqual([[1, 0.4]]);
});

it("values that were spared when they came are not judged later, when others of the trial are", async () => {
  const judge = new Judge(1, [1], Number.POSITIVE_INFINITY);
  const reporter = new Reporter(judge, 5, () => {});
  reporter.tell(1, 9);
  reporter.tell(2, 9);
  judge.from = 0; // enough trials are complete by now
  reporter.tell(3, 0.5);
  await reporter.settled();
  expect([judge.recorded.map(([step]) => step), reporter.prunedAt]).toEqual([[1, 2, 3], null]);
  reporter.tell(4, 9);
  await reporter.settled();
  expect(reporter.prunedAt).toBe(4);
  // At the end of a trial that was spared from beginning to end, nothing is.
  const spared = new Reporter(new Judge(1, [1], Number.POSITIVE_INFINITY), 5, () => {});
  spared.tell(1, 9);
  await spared.finish();
  expect(spared.prunedAt).toBeNull();
});

it("a value that is only kept ends no trial, and steps may come in any order", async () => {
  const judge = new Judge(1);
  const reporter = new Reporter(judge, 5, () => {});
  reporter.keep(30, 9);
  reporter.tell(20, 0.5);
  reporter.keep(10, 9);
  await reporter.finish();
  expect(judge.recorded.map(([step]) => step)).toEqual([30, 20, 10]);
  expect(reporter.prunedAt).toBeNull();
  reporter.tell(5, 9);
  await reporter.settled();
  expect(reporter.prunedAt).toBe(5);
});
