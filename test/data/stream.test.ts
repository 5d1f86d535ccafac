import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type FeatureBatch, type FeatureSource, featureStream, writeDataset } from "../../src/data/index.js";
import { bigDataset } from "./datasets.js";
import { failureOf, temporaryFolder } from "./helpers.js";
import { smallTable, withCell, writeCsv } from "./tables.js";

const dataset = bigDataset({ rows: 5000, features: 3 });

/** All batches put together. */
async function whole(source: FeatureSource, names: readonly string[]) {
  const parts = { start: -1, timestamps: [] as number[], X: [] as number[], total: null as number | null };
  for await (const batch of featureStream(source, names)) {
    if (parts.start < 0) parts.start = batch.start;
    expect(batch.start).toBe(parts.start + parts.timestamps.length);
    expect(batch.X).toHaveLength(batch.timestamps.length * names.length);
    parts.timestamps.push(...batch.timestamps);
    parts.X.push(...batch.X);
    parts.total = batch.total;
  }
  return parts;
}

const rowsOf = (start: number, end: number, columns: number[]): number[] =>
  Array.from({ length: end - start }, (_, i) => columns.map((j) => dataset.X[(start + i) * 3 + j]!)).flat();

describe("featureStream", () => {
  it("gives the features asked for in the order asked for, from either layout, whole or one part of it", async () => {
    const out = temporaryFolder();
    await writeDataset(dataset, { out, layouts: ["series", "splits"] });
    const names = ["f_2", "f_0", "f_1"];
    for (const data of [join(out, "datasets"), join(out, "splits", "scaled")]) {
      const all = await whole({ data, symbol: "TOY" }, names);
      expect(all.X).toEqual(rowsOf(0, 5000, [2, 0, 1]));
      expect(all.timestamps).toEqual(Array.from(dataset.timestamps));
      const { start, end } = dataset.parts.val;
      const val = await whole({ data, symbol: "TOY", part: "val" }, names);
      expect(val.start).toBe(start);
      expect([all.total, val.total]).toEqual([5000, end - start]);
      expect(val.X).toEqual(rowsOf(start, end, [2, 0, 1]));
      expect((await whole({ data, symbol: "TOY", part: "train" }, names)).timestamps).toHaveLength(
        dataset.parts.train.end,
      );
    }
    const file = await whole(join(out, "datasets", "TOY.parquet"), names);
    expect(file.timestamps).toHaveLength(5000);
  });

  it("splits a CSV without a meta file as openDataset does", async () => {
    const data = temporaryFolder();
    writeCsv(join(data, "TOY.csv"), smallTable());
    const test = await whole({ data, symbol: "TOY", part: "test" }, ["1h_rsi_14", "rsi_14"]);
    expect(test.start).toBe(34);
    expect(test.timestamps).toHaveLength(6);
    expect(test.total).toBe(6);
    expect((await whole(join(data, "TOY.csv"), ["1h_rsi_14", "rsi_14"])).total).toBeNull();
  });

  it("refuses missing and extra features by name", async () => {
    const path = writeCsv(join(temporaryFolder(), "TOY.csv"), smallTable());
    const error = await failureOf(whole(path, ["rsi_14", "macd"]));
    expect(error.code).toBe("bundle.features_differ");
    expect(error.message).toMatch(/TOY\.csv are not the model's: missing: macd; not known to the model: 1h_rsi_14\./);
    expect(error.details).toMatchObject({ missing: ["macd"], extra: ["1h_rsi_14"] });
  });

  it("does not look at labels: rows whose labels would be refused are predicted on", async () => {
    const path = writeCsv(join(temporaryFolder(), "TOY.csv"), withCell(smallTable(), "label_h1", 3, "hidden"));
    expect((await whole(path, ["rsi_14", "1h_rsi_14"])).timestamps).toHaveLength(40);
  });

  it("refuses bad rows as the dataset reader does", async () => {
    const folder = temporaryFolder();
    const names = ["rsi_14", "1h_rsi_14"];
    const infinite = writeCsv(join(folder, "a.csv"), withCell(smallTable(), "rsi_14", 3, "inf"));
    expect((await failureOf(whole(infinite, names))).details).toMatchObject({ line: 5, column: "rsi_14" });
    const unsorted = writeCsv(join(folder, "b.csv"), withCell(smallTable(), "timestamp", 3, "2023-01-01"));
    expect((await failureOf(whole(unsorted, names))).code).toBe("data.unsorted");
    writeFileSync(join(folder, "c.csv"), "");
    expect((await failureOf(whole(join(folder, "c.csv"), names))).code).toBe("data.empty_file");
  });

  it("gives the rows before a part as context where they are asked for, across files too", async () => {
    const out = temporaryFolder();
    await writeDataset(dataset, { out, layouts: ["series", "splits"] });
    const { start } = dataset.parts.test;
    // 2 500 rows reach back over all of the validation part's 750 into the training part.
    for (const lookBack of [1, 100, 2500]) {
      for (const data of [join(out, "datasets"), join(out, "splits", "scaled")]) {
        const batches: FeatureBatch[] = [];
        const source: FeatureSource = { data, symbol: "TOY", part: "test" };
        for await (const batch of featureStream(source, dataset.featureNames, { lookBack })) batches.push(batch);
        const [context, ...wanted] = batches;
        expect(context).toMatchObject({ isContext: true, start: start - lookBack });
        expect([...context!.X]).toEqual(rowsOf(start - lookBack, start, [0, 1, 2]));
        expect([...context!.timestamps]).toEqual([...dataset.timestamps.subarray(start - lookBack, start)]);
        expect(context!.piece).toHaveLength(lookBack);
        expect(wanted.map(({ isContext }) => isContext)).not.toContain(true);
        expect(wanted[0]!.start).toBe(start);
        // One piece in the files is one stretch in the stream.
        expect(new Set(batches.flatMap(({ piece }) => [...piece])).size).toBe(1);
      }
    }
  });

  it("gives as much context as there is, and none to the first part", async () => {
    const out = temporaryFolder();
    await writeDataset(dataset, { out, layouts: ["series"] });
    const first = async (part: "train" | "val") => {
      const source: FeatureSource = { data: join(out, "datasets"), symbol: "TOY", part };
      for await (const batch of featureStream(source, dataset.featureNames, { lookBack: 9000 })) return batch;
      throw new Error("no batch");
    };
    expect(await first("val")).toMatchObject({ isContext: true, start: 0 });
    expect((await first("val")).timestamps).toHaveLength(dataset.parts.val.start);
    expect(await first("train")).toMatchObject({ isContext: false, start: 0 });
  });

  it("does not look back into a file that is a piece of its own", async () => {
    const data = temporaryFolder();
    for (const [k, part] of ["train", "val", "test"].entries()) {
      const rows = Array.from({ length: 10 }, (_, i) => `2024-01-0${k + 1}T00:0${i}:00Z,${i}`);
      writeFileSync(join(data, `TOY_${part}.csv`), `timestamp,f\n${rows.join("\n")}\n`);
    }
    const batches: FeatureBatch[] = [];
    for await (const batch of featureStream({ data, symbol: "TOY", part: "test" }, ["f"], { lookBack: 5 }))
      batches.push(batch);
    expect(batches.map(({ isContext, start }) => [isContext, start])).toEqual([[false, 20]]);
    const pieces = new Set<number>();
    for await (const { piece } of featureStream({ data, symbol: "TOY" }, ["f"]))
      for (const value of piece) pieces.add(value);
    expect(pieces.size).toBe(3);
  });

  it("can be left in the middle", async () => {
    const out = temporaryFolder();
    await writeDataset(dataset, { out, layouts: ["series"] });
    for await (const batch of featureStream(join(out, "datasets", "TOY.parquet"), ["f_0", "f_1", "f_2"])) {
      expect(batch.start).toBe(0);
      break;
    }
  });
});
