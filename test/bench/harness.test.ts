import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { MemoryWatch } from "../../bench/lib/memory.js";
import { interleavedPairs, median } from "../../bench/lib/pairs.js";
import { markdownTable } from "../../bench/lib/table.js";

describe("interleaved pairs", () => {
  it("measure both sides as often, each going first in turn", async () => {
    const order: string[] = [];
    const side = (name: string) => async (pair: number) => {
      order.push(name + pair);
      return pair;
    };
    const pairs = await interleavedPairs(3, side("a"), side("b"));
    expect(order).toEqual(["a0", "b0", "b1", "a1", "a2", "b2"]);
    expect(pairs).toEqual({ ours: [0, 1, 2], reference: [0, 1, 2] });
  });

  it("are told by their medians", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

// It reads /proc, which only Linux has.
it.runIf(process.platform === "linux")("a memory watch counts what a process and its children hold", async () => {
  const grandchild = "const held = Buffer.alloc(150 * 2 ** 20, 1); setTimeout(() => held, 400);";
  const program = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(grandchild)}])`;
  const child = spawn(process.execPath, ["-e", program]);
  const watch = new MemoryWatch(child.pid!);
  await once(child, "close");
  watch.stop();
  expect(watch.peakBytes).toBeGreaterThan(150 * 2 ** 20);
  expect(watch.peakBytes).toBeLessThan(600 * 2 ** 20);
});

describe("the results table", () => {
  it("is markdown with columns of one width", () => {
    expect(markdownTable(["figure", "x"], [["fit", "1.00 s"]])).toBe(
      ["| figure | x      |", "|--------|--------|", "| fit    | 1.00 s |"].join("\n"),
    );
  });
});
