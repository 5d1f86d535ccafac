import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DatasetToWrite,
  featureStream,
  openStored,
  pipelineFromJson,
  pipelineToJson,
  writeDataset,
} from "../../src/data/index.js";
import { NO_LABEL } from "../../src/types/index.js";
import { PIPELINE, pipelineOf } from "./datasets.js";
import { temporaryFolder } from "./helpers.js";

/** Datasets with irregular stamps, NaN features, context rows, missing returns and many pieces. */
const datasets = fc
  .record({ rows: fc.integer({ min: 6, max: 5000 }), features: fc.integer({ min: 1, max: 9 }), seed: fc.integer() })
  .map(({ rows, features, seed }): DatasetToWrite => {
    let state = seed;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 0) / 2 ** 32;
    };
    const column = (value: (row: number) => number): Float64Array =>
      Float64Array.from({ length: rows }, (_, row) => value(row));
    const gaps = column(() => 1 + Math.floor(random() * 3e9));
    let now = 1.6e15;
    const timestamps = gaps.map((gap) => (now += gap));
    const [val, test] = [Math.floor(rows * 0.6), Math.floor(rows * 0.8)];
    const horizons = [5, 20].map((horizon) => {
      const y = Int8Array.from({ length: rows }, (_, row) =>
        random() < 0.2 && row > 0 ? NO_LABEL : Math.floor(random() * 3) - 1,
      );
      return {
        horizon,
        y,
        end: timestamps.map((stamp, row) => (y[row] === NO_LABEL ? Number.NaN : stamp + Math.floor(random() * 1e9))),
        w: Float32Array.from(y, (label) => (label === NO_LABEL ? 1 : 0.01 + random())),
        r: Float32Array.from(y, () => (random() < 0.1 ? Number.NaN : random() - 0.5)),
      };
    });
    const featureNames = Array.from({ length: features }, (_, j) => (j === 0 ? 'odd "name", with; all' : `f_${j}`));
    const price = column(() => 1 + random());
    return {
      symbol: "TOY",
      timestamps,
      featureNames,
      X: Float32Array.from({ length: rows * features }, () => (random() < 0.05 ? Number.NaN : 2 * random() - 1)),
      horizons,
      entryPrice: column((row) => (row % 7 === 0 ? Number.NaN : random())),
      piece: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / 100) * 3 - 5),
      bars: { open: price, high: price, low: price, close: price, volume: price, contract: Array(rows).fill("ESH4") },
      parts: { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: rows } },
      pipeline: pipelineOf(featureNames, null),
    };
  });

describe("writeDataset", () => {
  it("then openStored gives every array back, bit by bit, in both layouts", async () => {
    await fc.assert(
      fc.asyncProperty(datasets, async (dataset) => {
        const out = temporaryFolder();
        await writeDataset(dataset, { out, layouts: ["series", "splits"] });
        for (const data of [join(out, "datasets"), join(out, "splits", "scaled")]) {
          const stored = await openStored({ symbol: "TOY", data, store: join(out, "store") });
          const { manifest } = stored;
          expect(manifest.parts).toEqual(dataset.parts);
          expect(manifest.features).toEqual(dataset.featureNames);
          expect(manifest.pipeline).toEqual(dataset.pipeline);
          expect(stored.timestamps()).toEqual(dataset.timestamps);
          expect(stored.piece()).toEqual(dataset.piece);
          expect(stored.entryPrice()).toEqual(dataset.entryPrice);
          for (const { horizon, y, end, w, r } of dataset.horizons) {
            expect(stored.labels(horizon)).toEqual(y);
            expect(stored.labelEnds(horizon)).toEqual(end);
            expect(stored.weights(horizon)).toEqual(w);
            expect(stored.returns(horizon)).toEqual(r);
          }
          const all = Int32Array.from(dataset.timestamps, (_, row) => row);
          expect(await stored.readRows(all)).toEqual(dataset.X);
        }
      }),
      { numRuns: 8, seed: 7 },
    );
  });

  it("writes the same bytes of meta for both layouts, with snake_case keys and the user's own configuration untouched", async () => {
    const out = temporaryFolder();
    const [dataset] = fc.sample(datasets, { numRuns: 1, seed: 3 });
    const paths = await writeDataset(dataset!, { out, layouts: ["series", "splits"] });
    const metas = paths.filter((path) => path.endsWith(".meta.json")).map((path) => readFileSync(path, "utf8"));
    expect(metas[0]).toBe(metas[1]);
    expect(JSON.parse(metas[0]!)).toMatchObject({
      format: 1,
      pipeline: {
        bar_time: "open",
        features: { config: { momentum: { camelCase: true } } },
        labels: { atr_period: 14 },
      },
    });
  });

  it("marks what belongs together: split files of two datasets are refused, the same dataset gives the same bytes", async () => {
    const [dataset] = fc.sample(datasets, { numRuns: 1, seed: 5 });
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    await writeDataset(dataset!, { out: a, layouts: ["splits"] });
    const pipeline = { ...dataset!.pipeline, maxGap: 99 };
    await writeDataset({ ...dataset!, pipeline }, { out: b, layouts: ["splits"] });
    const file = (out: string, part: string): string => join(out, "splits", "scaled", `TOY_${part}.parquet`);
    // What a kill leaves of `b` written over `a`: no meta, and the new train beside the old val and test.
    rmSync(join(a, "splits", "scaled", "TOY.meta.json"));
    copyFileSync(file(b, "train"), file(a, "train"));
    const source = { symbol: "TOY", data: join(a, "splits", "scaled") };
    await expect(openStored({ ...source, store: join(a, "store") })).rejects.toMatchObject({
      code: "data.mixed_split",
      remedy: expect.stringContaining("foldwise prepare"),
    });
    await expect(featureStream(source, dataset!.featureNames).next()).rejects.toMatchObject({
      code: "data.mixed_split",
    });
    const before = readFileSync(file(a, "val"));
    await writeDataset(dataset!, { out: a, layouts: ["splits"] });
    expect(readFileSync(file(a, "val"))).toEqual(before);
    await openStored({ ...source, store: join(a, "store") });
  });

  it("refuses a symbol that would leave the folder", async () => {
    const [dataset] = fc.sample(datasets, { numRuns: 1, seed: 3 });
    const write = writeDataset({ ...dataset!, symbol: "../x" }, { out: temporaryFolder(), layouts: ["series"] });
    await expect(write).rejects.toMatchObject({ code: "usage.bad_id" });
  });

  it("says io.write_failed where the folder cannot be made, and leaves nothing", async () => {
    const out = temporaryFolder();
    writeFileSync(join(out, "datasets"), "a file stands in the way");
    const [dataset] = fc.sample(datasets, { numRuns: 1, seed: 3 });
    await expect(writeDataset(dataset!, { out, layouts: ["series"] })).rejects.toMatchObject({
      code: "io.write_failed",
    });
    expect(readdirSync(out)).toEqual(["datasets"]);
  });
});

it("pipelineFromJson reverses pipelineToJson and refuses anything else", () => {
  expect(pipelineFromJson(JSON.parse(JSON.stringify(pipelineToJson(PIPELINE))))).toEqual(PIPELINE);
  expect(() => pipelineFromJson({ version: 1 })).toThrow();
});
