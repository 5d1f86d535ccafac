import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  featureStream,
  formatStamp,
  listSymbols,
  openDataset,
  openDatasetFile,
  openStored,
} from "../../src/data/index.js";
import { NO_LABEL } from "../../src/types/index.js";
import { failureOf, temporaryFolder } from "./helpers.js";
import { smallTable, type TestTable, withCell, withColumn, writeCsv } from "./tables.js";

const START = Date.UTC(2024, 0, 1);
const table = smallTable();
const stamps = table.timestamp!;

function series(table: TestTable): {
  folder: string;
  open: (horizon?: number) => ReturnType<typeof openDataset>;
  notices: string[];
} {
  const folder = temporaryFolder();
  const notices: string[] = [];
  writeCsv(join(folder, "TOY.csv"), table);
  const open = (horizon = 1) =>
    openDataset({
      symbol: "TOY",
      horizon,
      data: folder,
      store: join(folder, "store"),
      onNotice: (n) => notices.push(n),
    });
  return { folder, open, notices };
}

const minutes = (micros: Float64Array): (number | null)[] =>
  Array.from(micros, (stamp) => (Number.isNaN(stamp) ? null : (stamp / 1000 - START) / 60_000));

describe("a series", () => {
  it("without a meta file is split 70/15/15 by row count, and says so", async () => {
    const { open, notices } = series(table);
    const data = await open();
    expect([data.train, data.val, data.test].map((part) => part.y.length)).toEqual([28, 6, 6]);
    expect(notices.join("\n")).toContain("70/15/15");
    expect(data.featureNames).toEqual(["rsi_14", "1h_rsi_14"]);
    expect(await data.val.X.read()).toEqual(
      Float32Array.from([28, 29, 30, 31, 32, 33].flatMap((row) => [row / 8, (row * 7) % 5])),
    );
  });

  it("is cut at the borders of its meta file", async () => {
    const { folder, open, notices } = series(table);
    const borders = { val: stamps[10], test: stamps[30] };
    writeFileSync(join(folder, "TOY.meta.json"), JSON.stringify({ format: 1, borders, more: "is ignored" }));
    const data = await open();
    expect([data.train, data.val, data.test].map((part) => part.y.length)).toEqual([10, 20, 10]);
    expect(notices.join("\n")).not.toContain("70/15/15");
  });

  it("reads Parquet-style reserved names in any case, and never as features", async () => {
    const priced = ["Open", "HIGH", "low", "Close", "volume"].reduce((t, name) => withColumn(t, name, () => 5), table);
    const { open } = series(withColumn(priced, "contract", () => "ESH4"));
    expect((await open()).featureNames).toEqual(["rsi_14", "1h_rsi_14"]);
  });

  it("keeps missing features as NaN and constant ones with a warning", async () => {
    const { open, notices } = series(withColumn(withCell(table, "rsi_14", 2, null), "flat", () => 3));
    const data = await open();
    expect(await data.train.X.read(2, 3)).toEqual(Float32Array.from([Number.NaN, 4, 3]));
    expect(notices.join("\n")).toContain("constant feature, kept: flat");
  });

  it("takes a plain label column for the horizon asked for, and stores each horizon apart", async () => {
    const { label_h1, label_h3, ...rest } = table;
    const { open } = series({ ...rest, label: label_h1! });
    const [one, five] = [await open(1), await open(5)];
    expect(one.train.y).toEqual(five.train.y);
    expect(one.dataset.manifest.horizons).toEqual([1]);
    expect(five.dataset.manifest.horizons).toEqual([5]);
    expect(minutes(five.dataset.labelEnds(5))[0]).toBe(5);
    expect((await open(1)).dataset.dir).toBe(one.dataset.dir);
  });

  it("fits on rows labelled at every horizon; the others are context", async () => {
    const { open } = series(withCell(withCell(table, "label_h3", 4, null), "label_h1", 6, null));
    const data = await open();
    expect(Array.from(data.train.X.rows.slice(0, 6))).toEqual([0, 1, 2, 3, 5, 7]);
    expect(data.dataset.labels(1)[6]).toBe(NO_LABEL);
    expect(data.dataset.labelEnds(1)[6]).toBeNaN();
  });

  it("gives weight 1 without a weight column, and one plain column to all horizons", async () => {
    const without = await series(table).open();
    expect(new Set(without.train.w)).toEqual(new Set([1]));
    const weighted = await series(withColumn(table, "sample_weight", (row) => row + 0.5)).open(3);
    expect(Array.from(weighted.train.w.slice(0, 3))).toEqual([0.5, 1.5, 2.5]);
    expect(weighted.dataset.manifest.weights).toEqual({ 1: "given", 3: "given" });
  });

  it("numbers a piece that comes back as a new one", async () => {
    const { open } = series(withColumn(table, "piece", (row) => (row < 10 || row >= 20 ? 7 : 8)));
    const piece = (await open()).dataset.piece();
    expect([piece[0], piece[10], piece[20]]).toEqual([0, 1, 2]);
  });
});

describe("label ends that a file lacks", () => {
  it("are the timestamps that many rows on, then go on by the median step, never clipped", async () => {
    const gap = smallTable(40);
    // A gap of an hour before row 20: rows count, not minutes.
    gap.timestamp = gap.timestamp!.map((stamp, row) =>
      row < 20 ? stamp : new Date(Date.parse(String(stamp)) + 3_600_000).toISOString(),
    );
    const { open, notices } = series(gap);
    const ends = minutes((await open()).dataset.labelEnds(3));
    expect(ends.slice(15, 19)).toEqual([18, 19, 80, 81]);
    expect(ends.slice(-4)).toEqual([99, 100, 101, 102]);
    expect(notices.join("\n")).toContain("no label_end for horizon 1, 3");
  });

  it("continue into the next file of the split layout", async () => {
    const folder = temporaryFolder();
    for (const [part, offset] of Object.entries({ train: 0, val: 50, test: 100 }))
      writeCsv(join(folder, `TOY_${part}.csv`), smallTable(40, START + offset * 60_000));
    const dataset = await openStored({ symbol: "TOY", data: folder, store: join(folder, "store") });
    const ends = minutes(dataset.labelEnds(3));
    expect(ends.slice(36, 41)).toEqual([39, 50, 51, 52, 53]);
    expect(ends.slice(-2)).toEqual([141, 142]);
    expect(dataset.manifest.parts.val).toEqual({ start: 40, end: 80 });
    expect([dataset.piece()[39], dataset.piece()[40], dataset.piece()[119]]).toEqual([0, 1, 2]);
  });
});

describe("dates with slashes", () => {
  /** 9 to 14 January, a row every three minutes; the label ends an hour later. */
  const stampOf = (row: number): number => Date.UTC(2024, 0, 9) + row * 180_000;
  const iso = (ms: number): string => new Date(ms).toISOString();
  const dayFirst = (ms: number): string => iso(ms).replace(/^(\d+)-(\d+)-(\d+)T(\d+:\d+).*/, "$3/$2/$1 $4");
  const dated = (write: (ms: number) => string, rows: number): TestTable => {
    const plain = withColumn(smallTable(rows), "timestamp", (row) => write(stampOf(row)));
    return withColumn(plain, "label_end_h1", (row) => write(stampOf(row) + 3_600_000));
  };

  it("mean what the whole file tells, label ends and streams too", async () => {
    const [plain, slashed] = [series(dated(iso, 2400)), series(dated(dayFirst, 2400))];
    const [a, b] = [(await plain.open()).dataset, (await slashed.open()).dataset];
    expect([...b.timestamps()]).toEqual([...a.timestamps()]);
    expect([...b.labelEnds(1)]).toEqual([...a.labelEnds(1)]);
    // The first batch, of 2048 rows, ends before the 13th.
    const stamps: number[] = [];
    for await (const batch of featureStream(join(slashed.folder, "TOY.csv"), a.manifest.features))
      stamps.push(...batch.timestamps);
    expect(stamps).toEqual([...a.timestamps()]);
  });

  it("are refused where the file does not tell: nothing is guessed for a dataset", async () => {
    const short = series(dated(dayFirst, 100));
    const { code, message, remedy } = await failureOf(short.open());
    expect(code).toBe("data.ambiguous_dates");
    expect(message).toMatch(/line 2, column "timestamp": "09\/01\/2024 00:00" may be month first or day first/);
    expect(remedy).not.toContain("--date-order");
    const stream = featureStream(join(short.folder, "TOY.csv"), ["rsi_14", "1h_rsi_14"]);
    expect((await failureOf(stream.next())).code).toBe("data.ambiguous_dates");
  });
});

describe("split files", () => {
  it("may hold their columns in different order: matched by name to train's", async () => {
    const folder = temporaryFolder();
    const reversed = (t: TestTable): TestTable => Object.fromEntries(Object.entries(t).reverse());
    writeCsv(join(folder, "TOY_train.csv"), smallTable(40, START));
    writeCsv(join(folder, "TOY_val.csv"), reversed(smallTable(40, START + 3e6)));
    writeCsv(join(folder, "TOY_test.csv"), smallTable(40, START + 6e6));
    const data = await openDataset({ symbol: "TOY", horizon: 3, data: folder, store: join(folder, "store") });
    expect(await data.val.X.read(0, 2)).toEqual(Float32Array.from([0, 0, 1 / 8, 2]));
    expect(data.val.y).toEqual(data.train.y);
  });
});

describe("one file to predict on", () => {
  it("needs no labels", async () => {
    const folder = temporaryFolder();
    const { label_h1, label_h3, ...rest } = table;
    const dataset = await openDatasetFile(writeCsv(join(folder, "TOY.csv"), rest), { store: join(folder, "store") });
    expect(dataset.manifest.horizons).toEqual([]);
    expect(dataset.manifest.rows).toBe(40);
    expect(formatStamp(dataset.timestamps()[1]!)).toBe("2024-01-01T00:01:00Z");
  });
});

it("listSymbols names both layouts once", () => {
  const folder = temporaryFolder();
  for (const name of ["MES.csv", "MGC_train.csv", "MGC_val.csv"]) writeCsv(join(folder, name), table);
  writeFileSync(join(folder, "MES.meta.json"), "{}");
  expect(listSymbols(folder)).toEqual(["MES", "MGC"]);
  expect(listSymbols(join(folder, "none"))).toEqual([]);
});
