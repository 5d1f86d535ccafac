import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset, openStored, writeDataset } from "../../src/data/index.js";
import type { FoldwiseError } from "../../src/types/index.js";
import { bigDataset } from "./datasets.js";
import { failureOf, temporaryFolder } from "./helpers.js";
import { smallTable, type TestTable, withCell, withColumn, writeCsv } from "./tables.js";

const START = Date.UTC(2024, 0, 1);
const later = (minutes: number): TestTable => smallTable(40, START + minutes * 60_000);

function openIn(folder: string, options: { horizon?: number; seqLen?: number } = { horizon: 1 }) {
  return openDataset({ symbol: "TOY", data: folder, store: join(folder, "store"), ...options });
}

/** What a series file is refused with. */
async function refusal(table: TestTable, options?: { horizon?: number; seqLen?: number }): Promise<FoldwiseError> {
  const folder = temporaryFolder();
  writeCsv(join(folder, "TOY.csv"), table);
  const error = await failureOf(openIn(folder, options));
  expect(error.remedy).toMatch(/\w/);
  return error;
}

/** What three split files are refused with. */
async function splitRefusal(train: TestTable, val: TestTable, test: TestTable): Promise<FoldwiseError> {
  const folder = temporaryFolder();
  for (const [part, table] of Object.entries({ train, val, test })) writeCsv(join(folder, `TOY_${part}.csv`), table);
  return failureOf(openIn(folder));
}

const table = smallTable();
const stamps = table.timestamp!;

/** Each with where it is: row and line (the header is line 1), and column. */
const CELLS: [what: string, table: TestTable, code: string, row: number, column: string][] = [
  ["unsorted timestamps", withCell(table, "timestamp", 5, stamps[2]!), "data.unsorted", 6, "timestamp"],
  ["duplicate timestamps", withCell(table, "timestamp", 5, stamps[4]!), "data.duplicate_timestamp", 6, "timestamp"],
  ["a missing timestamp", withCell(table, "timestamp", 5, null), "data.bad_timestamp", 6, "timestamp"],
  ["a label of 2", withCell(table, "label_h3", 7, 2), "data.bad_label", 8, "label_h3"],
  ["a label of 0.5", withCell(table, "label_h1", 7, 0.5), "data.bad_label", 8, "label_h1"],
  ["an infinite feature", withCell(table, "rsi_14", 9, "-inf"), "data.not_finite", 10, "rsi_14"],
  ["a feature beyond float32", withCell(table, "1h_rsi_14", 9, 1e39), "data.not_finite", 10, "1h_rsi_14"],
  ["a feature that is text", withCell(table, "rsi_14", 9, "high"), "data.not_a_number", 10, "rsi_14"],
  [
    "a weight of 0",
    withColumn(table, "sample_weight_h1", (row) => (row === 3 ? 0 : 1)),
    "data.bad_weight",
    4,
    "sample_weight_h1",
  ],
  [
    "a negative weight",
    withColumn(table, "sample_weight", (row) => (row === 3 ? -1 : 1)),
    "data.bad_weight",
    4,
    "sample_weight",
  ],
  [
    "an infinite weight",
    withColumn(table, "sample_weight", (row) => (row === 3 ? "inf" : 1)),
    "data.bad_weight",
    4,
    "sample_weight",
  ],
  [
    "a labelled row without weight",
    withColumn(table, "sample_weight", (row) => (row === 3 ? null : 1)),
    "data.bad_weight",
    4,
    "sample_weight",
  ],
  [
    "an infinite return",
    withColumn(table, "return_h1", (row) => (row === 3 ? "inf" : 1)),
    "data.not_finite",
    4,
    "return_h1",
  ],
  [
    "an infinite entry price",
    withColumn(table, "entry_price", (row) => (row === 3 ? "inf" : 1)),
    "data.not_finite",
    4,
    "entry_price",
  ],
  [
    "a piece that is no whole number",
    withColumn(table, "piece", (row) => (row === 3 ? 0.5 : 0)),
    "data.bad_piece",
    4,
    "piece",
  ],
  ["a row without piece", withColumn(table, "piece", (row) => (row === 3 ? null : 0)), "data.bad_piece", 4, "piece"],
  [
    "a label that ends before its row",
    withColumn(table, "label_end_h1", (row) => stamps[row === 3 ? 1 : row]!),
    "data.label_end_before_row",
    4,
    "label_end_h1",
  ],
  [
    "a labelled row without end",
    withColumn(table, "label_end_h1", (row) => (row === 3 ? null : stamps[row]!)),
    "data.label_end_missing",
    4,
    "label_end_h1",
  ],
];

describe("a dataset is refused for", () => {
  it.each(CELLS)("%s", async (_, table, code, row, column) => {
    const { details, code: got, message } = await refusal(table);
    expect(got).toBe(code);
    expect(details.column).toBe(column);
    expect(details.line).toBe(row + 1);
    if (code !== "data.not_a_number") expect(details.row).toBe(row);
    expect(message).toContain(`line ${row + 1}, column "${column}"`);
  });

  it("having no timestamp, no label, no feature or no row", async () => {
    const { timestamp, ...timeless } = table;
    expect((await refusal({ time: timestamp!, ...timeless })).details.column).toBe("timestamp");
    expect((await refusal({ timestamp: stamps, rsi_14: table.rsi_14! })).details.column).toBe("label_h1");
    expect((await refusal({ timestamp: stamps, label_h1: table.label_h1! })).code).toBe("data.no_features");
    expect((await refusal(smallTable(0))).code).toBe("data.no_rows");
    expect((await refusal(withColumn(table, "label_h1", () => null))).code).toBe("data.no_labels");
  });

  it("a column twice, whatever its case", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "TOY.csv"), "timestamp,rsi_14,rsi_14,label_h1\n2024-01-01,1,1,1\n");
    expect((await failureOf(openIn(folder))).code).toBe("data.duplicate_column");
  });

  it("a horizon that it does not have, naming those it has", async () => {
    const error = await refusal(table, { horizon: 20 });
    expect(error.code).toBe("data.unknown_horizon");
    expect(error.remedy).toContain("1, 3");
    expect((await refusal(table, {})).code).toBe("usage.horizon_required");
  });

  it("a plain label column when no horizon is asked for", async () => {
    const { timestamp, rsi_14, label_h1 } = table;
    const error = await refusal({ timestamp: timestamp!, rsi_14: rsi_14!, label: label_h1! }, {});
    expect(error.code).toBe("usage.horizon_required");
  });

  it("fewer training rows than a window", async () => {
    const error = await refusal(table, { horizon: 1, seqLen: 60 });
    expect(error.code).toBe("data.too_few_rows");
    expect(error.message).toContain("28 rows");
  });

  it("a part without a row that is labelled at every horizon", async () => {
    const error = await refusal(withColumn(table, "label_h1", (row) => (row < 20 ? 1 : null)));
    expect(error.code).toBe("data.too_few_rows");
    expect(error.message).toContain("val");
  });

  it("borders that leave a part empty, and a meta file that is none", async () => {
    const folder = temporaryFolder();
    writeCsv(join(folder, "TOY.csv"), table);
    const meta = (text: string): void => writeFileSync(join(folder, "TOY.meta.json"), text);
    meta(JSON.stringify({ format: 1, borders: { val: stamps[20], test: "2030-01-01T00:00:00Z" } }));
    expect((await failureOf(openIn(folder))).code).toBe("data.empty_part");
    meta(JSON.stringify({ format: 1, borders: { val: stamps[20], test: stamps[10] } }));
    expect((await failureOf(openIn(folder))).code).toBe("data.bad_meta");
    meta("{");
    expect((await failureOf(openIn(folder))).code).toBe("data.bad_meta");
    meta(JSON.stringify({ format: 2 }));
    expect((await failureOf(openIn(folder))).message).toContain("format");
  });
});

describe("a meta file is refused that", () => {
  const dataset = bigDataset({ rows: 600, features: 3 });

  /** What a sound dataset is refused with after its meta file was changed. */
  async function refusedMeta(change: (meta: Meta) => unknown): Promise<FoldwiseError> {
    const out = temporaryFolder();
    await writeDataset(dataset, { out, layouts: ["series"] });
    const path = join(out, "datasets", "TOY.meta.json");
    const meta = JSON.parse(readFileSync(path, "utf8")) as Meta;
    const changed = change(meta);
    writeFileSync(path, typeof changed === "string" ? changed : JSON.stringify(meta));
    const error = await failureOf(openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "s") }));
    expect(error.exitCode).toBe(2);
    expect(error.remedy).toMatch(/\w/);
    return error;
  }
  interface Meta {
    symbol: string;
    pipeline: {
      symbol: string;
      time_zone: string;
      step: number;
      costs: unknown;
      features: { names: string[]; config: unknown };
    };
  }

  it.each<[string, (meta: Meta) => unknown, RegExp]>([
    ["names another symbol", (meta) => (meta.symbol = "MES"), /its symbol is MES, the file's is TOY/],
    ["has a pipeline of another symbol", (meta) => (meta.pipeline.symbol = "MES"), /its symbol is MES/],
    ["names a feature that the file lacks", ({ pipeline }) => pipeline.features.names.push("rsi"), /lacks .* rsi\./],
    ["does not name a feature of the file", ({ pipeline }) => pipeline.features.names.pop(), /has the features f_2/],
    ["is of bars of another length", ({ pipeline }) => (pipeline.step = 3e8), /bars are 300 s apart, the rows are not/],
  ])("%s", async (_, change, message) => {
    const error = await refusedMeta((meta) => {
      change(meta);
    });
    expect(error.code).toBe("data.meta_differs");
    expect(error.message).toMatch(/TOY\.meta\.json: it does not describe the data beside it/);
    expect(error.message).toMatch(message);
  });

  it.each([
    ["tick_size", 0],
    ["tick_value", -1],
    ["commission", -1e308],
    ["slippage_ticks", -1],
  ])("has costs that are none: %s of %s", async (name, value) => {
    const error = await refusedMeta((meta) => {
      meta.pipeline.costs = { tick_size: 0.25, tick_value: 1.25, commission: 0.62, slippage_ticks: 1, [name]: value };
    });
    expect([error.code, error.message]).toEqual(["data.bad_meta", expect.stringContaining("pipeline.costs")]);
  });

  it("names a time zone that does not exist", async () => {
    const error = await refusedMeta((meta) => {
      meta.pipeline.time_zone = "Mars/Phobos";
    });
    expect(error.code).toBe("data.bad_time_zone");
  });

  it("is nested too deep to be walked, wherever", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const bare = await refusedMeta(() => `{"format": 1, "more": ${deep}}`);
    expect([bare.code, bare.message]).toEqual(["data.bad_meta", expect.stringContaining("nested more than 50 deep")]);
    const config = await refusedMeta((meta) => {
      meta.pipeline.features.config = "HERE";
      return JSON.stringify(meta).replace('"HERE"', `{"a": ${deep}}`);
    });
    expect(config.code).toBe("data.bad_meta");
  });

  it("is a folder", async () => {
    const folder = temporaryFolder();
    writeCsv(join(folder, "TOY.csv"), table);
    mkdirSync(join(folder, "TOY.meta.json"));
    const { code, message, exitCode } = await failureOf(openIn(folder));
    expect([code, exitCode]).toEqual(["data.is_a_directory", 2]);
    expect(message).toMatch(/TOY\.meta\.json: this is a folder/);
  });
});

describe("split files are refused when", () => {
  it("one begins before the other ends", async () => {
    const error = await splitRefusal(later(0), later(39), later(100));
    expect(error.code).toBe("data.parts_overlap");
    expect(error.message).toContain("TOY_val.csv");
    expect((await splitRefusal(later(0), later(100), later(50))).code).toBe("data.parts_overlap");
  });

  it("their columns differ, naming what is missing and what is extra", async () => {
    const { rsi_14, ...rest } = later(100);
    const error = await splitRefusal(later(0), later(50), { ...rest, rsi_20: rsi_14! });
    expect(error.code).toBe("data.columns_differ");
    expect(error.message).toMatch(/Missing: rsi_14\..*Extra: rsi_20\./);
  });

  it("a row deep in one is bad, with the file and the line there", async () => {
    const error = await splitRefusal(later(0), withCell(later(50), "label_h1", 4, 9), later(100));
    expect(error.message).toContain("TOY_val.csv, line 6");
    expect(error.details.row).toBe(5);
  });

  it("one of the three is missing, naming it", async () => {
    const folder = temporaryFolder();
    writeCsv(join(folder, "TOY_train.csv"), later(0));
    writeCsv(join(folder, "TOY_test.csv"), later(100));
    const error = await failureOf(openIn(folder));
    expect(error.code).toBe("data.split_file_missing");
    expect(error.message).toContain("TOY_val");
  });
});

describe("a symbol is refused when", () => {
  it("it would leave the folder", async () => {
    const open = openDataset({ symbol: "../../x", horizon: 1, data: temporaryFolder() });
    expect((await failureOf(open)).code).toBe("usage.bad_id");
  });

  it("there is no such dataset, naming those that there are", async () => {
    const folder = temporaryFolder();
    writeCsv(join(folder, "TOY.csv"), table);
    writeCsv(join(folder, "ABC_train.csv"), table);
    const error = await failureOf(openDataset({ symbol: "TYO", horizon: 1, data: folder }));
    expect(error.code).toBe("data.dataset_not_found");
    expect(error.message).toContain("ABC, TOY");
  });
});
