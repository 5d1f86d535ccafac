/** The rows of a training run, from a store whose files somebody has changed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStored } from "../../src/data/index.js";
import { encodeNpy, readNpy } from "../../src/files/index.js";
import { planRows } from "../../src/training/rows.js";
import type { StoredDataset } from "../../src/types/index.js";
import { sample } from "../conformance/data.js";
import { storeSample } from "../conformance/store.js";

let folder: string;
let dataset: StoredDataset;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-rows-"));
  ({ dataset } = await storeSample(folder, sample({ rows: 300, seed: 1 }), sample({ rows: 100, seed: 2 })));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the rows of a training run", () => {
  it("are planned where no label of a part reaches into a later one", () => {
    expect(planRows(dataset, 0, null).train.length).toBeGreaterThan(200);
  });

  it("are refused where stamps that were changed put test rows among the training rows", async () => {
    const path = join(dataset.dir, "t.npy");
    const { data, shape } = readNpy(path, "<i8");
    const { test, train } = dataset.manifest.parts;
    // The border itself stays, so that purging sees nothing.
    for (let row = test.start + 1; row < test.end; row++) data[row] = data[train.start + 100]!;
    writeFileSync(path, encodeNpy("<i8", shape, data));
    const tampered = await openStored({
      symbol: "SAMPLE",
      data: join(folder, "datasets"),
      store: join(folder, "store"),
    });
    expect(tampered.dir).toBe(dataset.dir);
    expect(() => planRows(tampered, 0, null)).toThrow(
      expect.objectContaining({
        code: "data.label_leak",
        message: expect.stringMatching(/"(train|stop|calibrate)".*"test"/),
      }),
    );
  });
});
