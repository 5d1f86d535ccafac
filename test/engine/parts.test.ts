/** The pool's pure parts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseNext,
  chooseSlot,
  Holdings,
  keptAfter,
  MAX_PASSED,
  type SlotView,
  type Waiting,
} from "../../src/engine/pool/affinity.js";
import { FloodMeter } from "../../src/engine/worker/flood.js";
import { LineReader } from "../../src/engine/worker/lines.js";
import { Tail } from "../../src/engine/worker/tail.js";
import { fitJob, predictJob } from "./support.js";

/** What a reader makes of `text` that arrives in pieces of the given sizes. */
function readInPieces(text: string, sizes: number[], maxBytes = 1000) {
  const lines: string[] = [];
  const tooLong: string[] = [];
  const reader = new LineReader(
    maxBytes,
    (line) => lines.push(line.toString()),
    (start) => tooLong.push(start.toString()),
  );
  const bytes = Buffer.from(text);
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const to = from + (sizes[turn % sizes.length] ?? 1);
    reader.push(bytes.subarray(from, to));
    from = to;
  }
  reader.end();
  return { lines, tooLong };
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe("the line reader", () => {
  test("gives the same lines however the bytes arrive", () => {
    const text = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\n", "字") }), { maxLength: 40 });
    fc.assert(
      fc.property(text, sizes, (parts, pieces) => {
        const whole = parts.join("");
        const expected = whole.split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(readInPieces(whole, pieces)).toEqual({ lines: expected, tooLong: [] });
      }),
    );
  });

  test("drops a line that is too long, once, and goes on with the next", () => {
    fc.assert(
      fc.property(sizes, (pieces) => {
        const { lines, tooLong } = readInPieces(`ab\n${"x".repeat(50)}\ncd\n`, pieces, 10);
        expect(lines).toEqual(["ab", "cd"]);
        expect(tooLong).toEqual(["x".repeat(10)]);
      }),
    );
  });
});

describe("the flood meter", () => {
  test("allows a burst, then the steady rate, whatever came before", () => {
    let now = 0;
    const meter = new FloodMeter({ burst: 100, perSecond: 10 }, () => now);
    expect([meter.allows(100), meter.allows(1)]).toEqual([true, false]);
    now = 1100;
    expect([meter.allows(10), meter.allows(1)]).toEqual([true, false]);
    now = 1e6;
    expect(meter.allows(100)).toBe(true);
  });

  test("never forbids what keeps to the rate", () => {
    let now = 0;
    const meter = new FloodMeter({ burst: 10, perSecond: 100 }, () => now);
    for (let second = 0; second < 1000; second++, now += 10) expect(meter.allows(1)).toBe(true);
  });
});

test("the tail keeps the last lines, cut to size, without blank ones", () => {
  const tail = new Tail();
  for (let n = 0; n < 1000; n++) tail.push(`line ${n}\r`);
  tail.push("  \n");
  tail.push("y".repeat(1e6));
  expect(tail.lines()).toHaveLength(Tail.MAX_LINES);
  expect(tail.lines().at(-2)).toBe("line 999");
  expect(tail.lines().at(-1)).toHaveLength(Tail.MAX_LINE_BYTES);
});

describe("the choice of a slot", () => {
  const slot = (status: SlotView["status"], ...jobs: Parameters<typeof keptAfter>[0][]): SlotView => {
    const holdings = new Holdings();
    for (const job of jobs) holdings.add(keptAfter(job));
    return { status, holdings };
  };
  const fitted = fitJob({ out: "mine", dataset: "d", rows: { train: "job1/rows_1.npy", stop: null } });
  const sameRows = fitJob({ out: "other", dataset: "d", rows: { train: "job2/rows_1.npy", stop: null } });
  const sameDataset = fitJob({ out: "other", dataset: "d", rows: { train: "job2/rows_2.npy", stop: null } });

  test.each([
    ["nothing, when all are taken", predictJob("mine"), [slot("taken", fitted)], -1],
    ["the one that has the model", predictJob("mine"), [slot("free", sameRows), slot("free", fitted)], 1],
    [
      "the one that has the rows",
      fitJob({ ...sameRows, out: "new" }),
      [slot("free", sameDataset), slot("free", fitted)],
      1,
    ],
    ["the one that has the dataset", sameDataset, [slot("empty"), slot("free"), slot("free", fitted)], 2],
    ["any free one before a new one", predictJob("x"), [slot("empty"), slot("free", fitted)], 1],
    ["a new one before waiting for the right one", predictJob("mine"), [slot("taken", fitted), slot("empty")], 1],
  ])("is %s", (_, job, slots, expected) => {
    expect(chooseSlot(job, slots, false)).toBe(expected);
  });

  test("is a new one for a job that has killed its worker", () => {
    expect(chooseSlot(fitted, [slot("free", fitted), slot("empty")], true)).toBe(1);
    expect(chooseSlot(fitted, [slot("free", fitted)], true)).toBe(0);
  });

  describe("for the jobs that wait", () => {
    const waiting = (job: Waiting["job"], more: Partial<Waiting> = {}): Waiting => ({
      job,
      attempts: 0,
      passed: 0,
      ...more,
    });

    test.each<[string, Waiting[], SlotView[], ReturnType<typeof chooseNext>]>([
      ["nothing where none waits", [], [slot("free")], null],
      ["nothing where all are taken", [waiting(sameRows)], [slot("taken", fitted)], null],
      [
        "the head, by a free one that knows nothing",
        [waiting(sameDataset)],
        [slot("free", fitted)],
        { job: 0, slot: 0 },
      ],
      [
        "a later one whose rows the free one has",
        [waiting(sameDataset), waiting(predictJob("x")), waiting(sameRows)],
        [slot("taken"), slot("free", fitted)],
        { job: 2, slot: 1 },
      ],
      [
        "the head, when it has been passed often enough",
        [waiting(sameDataset, { passed: MAX_PASSED }), waiting(sameRows)],
        [slot("free", fitted)],
        { job: 0, slot: 0 },
      ],
      [
        "a head that has killed its worker",
        [waiting(sameDataset, { attempts: 1 }), waiting(sameRows)],
        [slot("free", fitted)],
        { job: 0, slot: 0 },
      ],
      [
        "the head, where all that is free has its rows",
        [waiting(sameRows), waiting(predictJob("mine"))],
        [slot("free", fitted)],
        { job: 0, slot: 0 },
      ],
    ])("is %s", (_, queue, slots, expected) => {
      expect(chooseNext(queue, slots)).toEqual(expected);
    });
  });

  test("forgets what was used long ago", () => {
    const holdings = new Holdings();
    holdings.add(["old"]);
    for (let n = 0; n < Holdings.MAX; n++) holdings.add([`new ${n}`]);
    expect(holdings.score(["old"])).toBe(0);
  });
});
