import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStored, writeDataset } from "../../src/data/index.js";
import { scoredRows } from "../../src/training/rows.js";
import { bigDataset } from "../data/datasets.js";
import { temporaryFolder } from "../data/helpers.js";

const HORIZON = 5;

describe("scoredRows", () => {
  it("measures how unique labels are among the scored rows only, and how long each is", async () => {
    const out = temporaryFolder();
    // A row a minute whose label ends five minutes on.
    await writeDataset(bigDataset({ rows: 300, features: 1 }), { out, layouts: ["series"] });
    const dataset = await openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
    const score = (rows: Int32Array) => scoredRows(dataset, HORIZON, rows, new Float32Array(3 * rows.length));
    const every = (step: number): Int32Array => Int32Array.from({ length: 30 }, (_, i) => 100 + i * step);

    // Five rows apart no two labels overlap, whatever rows of other parts lie between.
    const apart = score(every(HORIZON));
    expect([...apart.uniqueness]).toEqual(Array(30).fill(1));
    expect(Array.from(apart.durations)).toEqual(Array(30).fill(HORIZON));
    // Side by side each bar decides five labels; the first rows have fewer before them.
    const close = [...score(every(1)).uniqueness];
    expect(close[15]).toBeCloseTo(1 / 5, 6);
    expect(close[0]).toBeCloseTo((1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5, 6);
  });
});
