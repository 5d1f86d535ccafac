/** Every refusal of the data contract (design, section 3), by the built `train` on files that break it in one place. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foldwise } from "./cli.js";
import { duck, expectRefusal, filesBelow } from "./refusal.js";
import { warm } from "./warm.js";

/** 600 sound hourly rows; each case changes one thing. Row 42 of a file, counted from 1, is `i = 41`. */
const BASE = `CREATE VIEW base AS SELECT i, TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * i AS timestamp,
  ((i * 7919) % 3 - 1)::TINYINT AS label_h5, 1.0::DOUBLE AS sample_weight_h5,
  sin(i)::FLOAT AS f1, cos(i * i)::FLOAT AS f2 FROM range(600) rows(i)`;
const all = (changes = ""): string => `SELECT * EXCLUDE (i) ${changes} FROM base ORDER BY i`;
const at41 = (column: string, value: string): string =>
  all(`REPLACE (CASE i WHEN 41 THEN ${value} ELSE ${column} END AS ${column})`);
const SPLITS = { train: "i < 400", val: "i BETWEEN 400 AND 499", test: "i >= 500" };
const part = (name: keyof typeof SPLITS, changes = ""): string =>
  `SELECT * EXCLUDE (i) ${changes} FROM base WHERE ${SPLITS[name]} ORDER BY i`;
const splits = (changes: Partial<Record<keyof typeof SPLITS, string>>): Record<string, string> => ({
  _train: part("train"),
  _val: part("val"),
  _test: part("test"),
  ...Object.fromEntries(Object.entries(changes).map(([name, sql]) => [`_${name}`, sql])),
});

type Files = string | Record<string, string>;
/** A series as one SELECT, or a SELECT for each of several files; what the message has to say. */
const refused: [what: string, files: Files, patterns: RegExp[]][] = [
  [
    "unsorted timestamps",
    at41("timestamp", "TIMESTAMP '2024-01-01'"),
    [/row 42\b/, /timestamp/, /2024-01-01T00:00:00Z comes after/, /Sort/],
  ],
  ["a duplicate timestamp", at41("timestamp", "TIMESTAMP '2024-01-02 16:00'"), [/row 42\b/, /second time/]],
  ["a missing timestamp", at41("timestamp", "NULL"), [/row 42\b/, /timestamp is missing/]],
  ["a label of 2", at41("label_h5", "2"), [/row 42\b/, /"label_h5"/, /2 is not a label/, /-1, 0, 1/]],
  [
    "a label of 0.5",
    all("REPLACE (CASE i WHEN 41 THEN 0.5 ELSE label_h5::DOUBLE END AS label_h5)"),
    [/row 42\b/, /0\.5 is not a label/],
  ],
  ["labels of text", all("REPLACE ('long' AS label_h5)"), [/label_h5/, /long|text|VARCHAR/]],
  ["no label column", all().replace("(i)", "(i, label_h5)"), [/label_h5/, /label_h\{H\}|label column/]],
  ["not one label", all("REPLACE (NULL::TINYINT AS label_h5)"), [/label_h5/, /no row has a label/]],
  ["one class only", all("REPLACE (1::TINYINT AS label_h5)"), [/class/]],
  ["a weight of 0", at41("sample_weight_h5", "0"), [/row 42\b/, /"sample_weight_h5"/, /above 0/]],
  ["a negative weight", at41("sample_weight_h5", "-1"), [/row 42\b/, /-1 is not a weight/]],
  ["a weight of NaN", at41("sample_weight_h5", "'nan'::DOUBLE"), [/row 42\b/, /weight/]],
  ["an infinite weight", at41("sample_weight_h5", "'inf'::DOUBLE"), [/row 42\b/, /Infinity is not a weight/]],
  ["a text feature", all("REPLACE ('x' AS f2)"), [/"f2"/, /VARCHAR/, /remove it/]],
  ["a feature of lists", all("REPLACE ([1, 2] AS f2)"), [/"f2"/, /numbers?/, /remove it|Convert/i]],
  ["a feature of structs", all("REPLACE ({'a': 1} AS f2)"), [/"f2"/, /numbers?/, /remove it|Convert/i]],
  ["a feature of dates", all("REPLACE (DATE '2024-01-01' AS f2)"), [/"f2"/, /numbers?/, /remove it|Convert/i]],
  ["an infinite feature", at41("f2", "'inf'::FLOAT"), [/row 42\b/, /"f2"/, /infinite/]],
  ["a feature of −infinity", at41("f2", "'-inf'::FLOAT"), [/row 42\b/, /"f2"/, /infinite/]],
  [
    "a feature too large for a float",
    all("REPLACE (CASE i WHEN 41 THEN 1e300 ELSE f2::DOUBLE END AS f2)"),
    [/row 42\b/, /"f2"/, /32-bit/],
  ],
  ["no features", all().replace("(i)", "(i, f1, f2)"), [/no feature/, /prepare/]],
  ["no timestamp", all().replace("(i)", "(i, timestamp)"), [/"timestamp"/, /f1/]],
  ["no rows", `${all()} LIMIT 0`, [/no row/]],
  ["one row", `${all()} LIMIT 1`, [/no row/, /Give more rows/]],
  ["fewer rows than purge and embargo take", `${all()} LIMIT 60`, [/rows?/, /embargo/]],
  ["fewer than 500 rows", `${all()} LIMIT 450`, [/450 rows; fewer than 500/, /--allow-small/]],
  [
    "no feature that varies",
    all("REPLACE (3::FLOAT AS f1, NULL::FLOAT AS f2)"),
    [/All 2 features have one value in all \d+ training rows/, /choose other features/],
  ],
  [
    "features that vary in later parts only",
    all("REPLACE (CASE WHEN i < 450 THEN 1 ELSE f1 END AS f1, CASE WHEN i < 450 THEN 2 ELSE f2 END AS f2)"),
    [/All 2 features/],
  ],
  [
    "a label end before its row",
    all().replace(
      "(i)",
      "(i), CASE i WHEN 41 THEN TIMESTAMP '2023-01-01' ELSE timestamp + INTERVAL 5 HOUR END AS label_end_h5",
    ),
    [/row 42\b/, /label_end_h5/, /before the row/],
  ],
  [
    "a label without an end",
    all().replace("(i)", "(i), CASE i WHEN 41 THEN NULL ELSE timestamp + INTERVAL 5 HOUR END AS label_end_h5"),
    [/row 42\b/, /label_end_h5/],
  ],
  [
    "a broken piece",
    all().replace("(i)", "(i), CASE i WHEN 41 THEN 0.5 ELSE 0 END AS piece"),
    [/row 42\b/, /"piece"/, /whole number/],
  ],
  ["a horizon that is not there", all().replace("(i)", "(i, label_h5), label_h5 AS label_h7"), [/no horizon 5/, /7/]],
  ["a horizon of zero bars", all().replace("(i)", "(i), label_h5 AS label_h0"), [/label_h0/, /1 to 1000000/]],
  ["a horizon beyond all numbers", all().replace("(i)", `(i), label_h5 AS label_h${"9".repeat(30)}`), [/label_h999/]],
  [
    "train and validation that overlap",
    splits({ train: "SELECT * EXCLUDE (i) FROM base WHERE i < 402 ORDER BY i" }),
    [/_val\.parquet/, /not after the end of/],
  ],
  [
    "validation and test that overlap",
    splits({ test: part("test").replace("i >= 500", "i >= 499") }),
    [/_test\.parquet/, /not after the end of/],
  ],
  [
    "a column that one split lacks",
    splits({ val: part("val").replace("(i)", "(i, f2)") }),
    [/_val\.parquet/, /Missing: f2/],
  ],
  [
    "a column that only one split has",
    splits({ test: part("test").replace("(i)", "(i), 1 AS f3") }),
    [/_test\.parquet/, /Extra: f3/],
  ],
  [
    "a label of 7 in the test file, by its row there",
    splits({ test: part("test", "REPLACE (CASE i WHEN 541 THEN 7 ELSE label_h5 END AS label_h5)") }),
    [/_test\.parquet/, /row 42\b/],
  ],
  ["a split without rows", splits({ val: `${part("val")} LIMIT 0` }), [/_val\.parquet/, /no row/]],
  ["two of three split files", { _train: part("train"), _test: part("test") }, [/_val\.parquet/, /missing/]],
];

const csvHeader = "timestamp,label_h5,f1,f2";
const csvLine = (i: number): string =>
  `${new Date(Date.UTC(2024, 0, 1, i)).toISOString()},${((i * 7919) % 3) - 1},${Math.sin(i)},${Math.cos(i * i)}`;
const csv = (line: number, text: string): string =>
  `${[csvHeader, ...Array.from({ length: 600 }, (_, i) => csvLine(i))].with(line - 1, text).join("\n")}\n`;
/** Line 42 of a CSV, the header's being line 1, is row 41. */
const refusedCsv: [what: string, text: string, patterns: RegExp[]][] = [
  ["text among numbers", csv(42, "2024-01-02T16:00:00Z,0,abc,1"), [/line 42\b/, /"f1"/, /"abc" is not a number/]],
  ["a label of text", csv(42, "2024-01-02T16:00:00Z,long,1,1"), [/line 42\b/, /label_h5/, /"long"/]],
  ["a label of 2", csv(42, "2024-01-02T16:00:00Z,2,1,1"), [/line 42\b/, /label_h5/, /2 is not a label/]],
  ["inf", csv(42, "2024-01-02T16:00:00Z,0,inf,1"), [/line 42\b/, /"f1"/, /infinite/]],
  ["a line too short", csv(42, "2024-01-02T16:00:00Z,0"), [/line 42\b/, /header has 4 columns/]],
  ["a line too long", csv(42, "2024-01-02T16:00:00Z,0,1,1,1"), [/line 42\b/, /header has 4 columns/]],
  ["a stamp that is none", csv(42, "yesterday,0,1,1"), [/line 42\b/, /"yesterday"/, /Write it like/]],
  ["a column twice", csv(1, "timestamp,label_h5,f1,f1"), [/line 1\b/, /"f1"/, /twice/]],
];

let cwd: string;
const symbolOf = (list: string, k: number): string => `${list}${k}`;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "foldwise-bad-data-"));
  mkdirSync(join(cwd, "d"));
  const copy = (symbol: string, files: Files): string[] =>
    Object.entries(typeof files === "string" ? { "": files } : files).map(
      ([suffix, select]) => `COPY (${select}) TO '${join(cwd, "d", `${symbol}${suffix}.parquet`)}' (FORMAT parquet)`,
    );
  await duck(
    BASE,
    ...refused.flatMap(([, files], k) => copy(symbolOf("R", k), files)),
    ...accepted.flatMap(([, files], k) => copy(symbolOf("A", k), files)),
  );
  for (const [k, [, text]] of refusedCsv.entries()) writeFileSync(join(cwd, "d", `${symbolOf("C", k)}.csv`), text);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

// Its engine is imported sooner than the others, in each of these calls.
const TRAIN = "train --model lightgbm --set training.num_boost_round=10 --horizon 5 --data d --embargo 5".split(" ");
const train = (symbol: string, ...more: string[]) => foldwise([...TRAIN, "--symbol", symbol, ...more], { cwd });

/** Refused before the first fit: exit code 2, nothing half-written in the store, no bundle and no predictions. */
async function expectRefused(symbol: string, patterns: RegExp[]): Promise<void> {
  const folders = ["--store", `${symbol}/store`, "--runs", `${symbol}/runs`];
  const result = await warm([...TRAIN, "--symbol", symbol, ...folders], { cwd });
  expectRefusal(result, patterns);
  expect(filesBelow(join(cwd, symbol)).filter((name) => /tmp|\.onnx$|^runs.*parquet$/.test(name))).toEqual([]);
}

const accepted: [what: string, files: Files, notice: RegExp][] = [
  ["a constant column", all("REPLACE (3::FLOAT AS f2)"), /constant feature, kept: f2/],
  [
    "features that are missing",
    all("REPLACE (CASE WHEN i % 7 = 0 THEN 'nan'::FLOAT WHEN i % 7 = 1 THEN NULL ELSE f2 END AS f2)"),
    /no label_end/,
  ],
  [
    "split files whose columns stand in another order",
    splits({
      val: "SELECT f2, sample_weight_h5, label_h5, f1, timestamp FROM base WHERE i BETWEEN 400 AND 499 ORDER BY i",
    }),
    /no piece column/,
  ],
];

describe("train refuses a dataset with", () => {
  it.each(refused.map((entry, k) => [entry[0], k] as const))("%s", async (_, k) =>
    expectRefused(symbolOf("R", k), refused[k]![2]),
  );
  it.each(refusedCsv.map((entry, k) => [entry[0], k] as const))("%s in a CSV", async (_, k) =>
    expectRefused(symbolOf("C", k), refusedCsv[k]![2]),
  );
});

describe("train --allow-small", () => {
  it("takes fewer than 500 rows", async () => {
    const k = refused.findIndex(([what]) => what === "fewer than 500 rows");
    const result = await train(symbolOf("R", k), "--allow-small", "--run-id", "small");
    expect(result.code, result.stderr).toBe(0);
  });
});

describe("train accepts, and says so,", () => {
  it.each(accepted.map((entry, k) => [entry[0], k] as const))("%s", async (_, k) => {
    const result = await train(symbolOf("A", k));
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toMatch(accepted[k]![2]);
  });
});
