/** What the built command says to bad bars, flags and names: exit code 2, what was got, what to do, and nothing half-written. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, foldwise, ROOT } from "./cli.js";
import { duck, eachOf, expectNoStack, expectRefusal, filesBelow } from "./refusal.js";
import { warm } from "./warm.js";

let cwd: string;
let good: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "foldwise-bad-"));
  good = readFileSync(join(ROOT, "examples", "data", "sp500_daily.csv"), "utf8")
    .split("\n")
    .slice(0, 401)
    .join("\n");
  write("good.csv", good);
  await duck(
    `CREATE VIEW bars AS SELECT i, DATE '2020-01-01' + i::INTEGER AS timestamp, 10.0::DOUBLE AS open, 11.0::DOUBLE AS high,
      9.0::DOUBLE AS low, 10.0::DOUBLE AS close, 5.0::DOUBLE AS volume FROM range(400) rows(i)`,
    ...[["whole", "SELECT * EXCLUDE (i) FROM bars ORDER BY i"] as const, ...parquets].map(
      ([name, select]) => `COPY (${select}) TO '${join(cwd, `${name}.parquet`)}' (FORMAT parquet)`,
    ),
  );
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);
const lines = (): string[] => good.split("\n");
const withLine = (number: number, text: string | Uint8Array): Buffer =>
  Buffer.concat(lines().flatMap((line, i) => [Buffer.from(i === number - 1 ? text : line), Buffer.from("\n")]));

let outs = 0;
/** A folder of its own for each call. */
async function prepare(args: string[], command = warm): Promise<CliResult & { out: string }> {
  const out = join(cwd, `out${outs++}`);
  return { ...(await command(["prepare", "--out", out, ...args], { cwd })), out };
}

/** Runs `prepare` and expects a refusal whose message matches each pattern; nothing may be left behind. */
async function refused(args: string[], ...patterns: RegExp[]): Promise<void> {
  const result = await prepare(args);
  expectRefusal(result, patterns);
  expect(filesBelow(result.out)).toEqual([]);
}

const FEW = ["--allow-small", "--horizons", "5", "--set", "features.include=[body_ratio, close_location]"];

type Case = [what: string, file: string, content: () => string | Uint8Array, patterns: RegExp[]];
/** In the CSV, line 7 is the bar of 1999-01-11; 1999-01-04 is the first. */
const csvs: Case[] = [
  ["an empty file", "empty.csv", () => "", [/empty/]],
  ["a header without bars", "header.csv", () => lines()[0]!, [/no bar/]],
  ["a single bar", "one.csv", () => lines().slice(0, 2).join("\n"), [/one bar only/]],
  ["bars without a header", "noheader.csv", () => lines().slice(1).join("\n"), [/line 1\b/, /not a header/]],
  ["blank lines only", "blank.csv", () => "\n".repeat(40), [/line 1\b/, /header/]],
  ["a broken line, by its number", "broken.csv", () => withLine(100, "1999-05-26T21:00:00Z,1,2"), [/line 100\b/]],
  [
    "a quote that never closes",
    "quote.csv",
    () => withLine(42, `1999-03-01T21:00:00Z,"1,2,3,4,5`),
    [/line 42\b/, /quote/],
  ],
  ["a line of five megabytes", "huge.csv", () => withLine(42, "9".repeat(5_000_000)), [/line 42\b/, /too long/]],
  ["a NUL byte", "nul.csv", () => withLine(9, "1999-01-13T21:00:00Z,1\0,2,1,1,1"), [/neither CSV text nor Parquet/]],
  [
    "a byte that is not UTF-8",
    "latin.csv",
    () => withLine(42, Buffer.from("1999-03-01T21:00:00Z,\xff,2,1,1,1", "latin1")),
    [/line 42\b/],
  ],
  ["UTF-16", "utf16.csv", () => Buffer.from(`\ufeff${good}`, "utf16le"), [/UTF-16/, /UTF-8/]],
  [
    "a formula",
    "formula.csv",
    () => withLine(42, "1999-03-01T21:00:00Z,=1+1,2,1,1,1"),
    [/line 42\b/, /"=1\+1" is not a number/],
  ],
  [
    "an escape sequence, which the terminal must not get",
    "escape.csv",
    () => withLine(42, "\u001b[2J,1,2,1,1,1"),
    [/line 42\b/, /not a timestamp/],
  ],
  [
    "a column twice, by its name",
    "twice.csv",
    () => `timestamp,open,high,low,close,close\n${lines().slice(1, 50).join("\n")}`,
    [/close/, /twice/],
  ],
  [
    "a bar whose high is below its low",
    "high.csv",
    () => withLine(7, "1999-01-11T21:00:00Z,1275,1200,1250,1263,818000000"),
    [/high/, /low/, /line 7\b/],
  ],
  [
    "a close above the high",
    "close.csv",
    () => withLine(7, "1999-01-11T21:00:00Z,1275,1280,1250,1290,818000000"),
    [/close/, /1250 to 1280/, /line 7\b/],
  ],
  [
    "a price of zero",
    "price.csv",
    () => withLine(7, "1999-01-11T21:00:00Z,1275,1280,0,1263,818000000"),
    [/low/, /line 7\b/],
  ],
  [
    "a price beyond all numbers",
    "inf.csv",
    () => withLine(7, "1999-01-11T21:00:00Z,1275,1e999,1250,1263,1"),
    [/high/, /finite/, /line 7\b/],
  ],
  [
    "a negative volume",
    "volume.csv",
    () => withLine(7, "1999-01-11T21:00:00Z,1275,1280,1250,1263,-1"),
    [/volume/, /line 7\b/],
  ],
  [
    "stamps that go back",
    "unsorted.csv",
    () => [...lines().slice(0, 30), ...lines().slice(10, 20)].join("\n"),
    [/line 31\b/],
  ],
  [
    "a stamp that stands twice",
    "duplicate.csv",
    () => [...lines().slice(0, 30), lines()[29]].join("\n"),
    [/line 31\b/],
  ],
  [
    "a stamp that is none",
    "stamp.csv",
    () => withLine(9, "yesterday,1275,1280,1270,1263,1"),
    [/yesterday/, /line 9\b/],
  ],
  [
    "the 30th of February",
    "february.csv",
    () => withLine(42, "1999-02-30T21:00:00Z,1,2,1,1,1"),
    [/1999-02-30/, /line 42\b/],
  ],
  ["no close", "columns.csv", () => "timestamp,open,high,low\n2020-01-01,1,1,1\n", [/close/]],
  ["a gzip file", "packed.csv.gz", () => gzipSync(good), [/compressed/, /Unpack/]],
  [
    "an Excel workbook",
    "book.xlsx",
    () => Buffer.concat([Buffer.from("504b030414000600", "hex"), Buffer.alloc(22), Buffer.from("[Content_Types].xml")]),
    [/spreadsheet/, /as CSV/],
  ],
  ["an old Excel workbook", "book.csv", () => Buffer.from("d0cf11e0a1b11ae1".repeat(64), "hex"), [/spreadsheet/]],
  [
    "bytes of no meaning",
    "garbage.csv",
    () => Buffer.from(Array.from({ length: 9000 }, (_, i) => 128 + ((i * 2654435761) >>> 25))),
    [/timestamp|header|CSV/],
  ],
];

const changed = (column: string, value: string): string =>
  `SELECT * EXCLUDE (i) REPLACE (CASE i WHEN 41 THEN ${value} ELSE ${column} END AS ${column}) FROM bars ORDER BY i`;
/** Row 42 of each is wrong, or a column. */
const parquets: [name: string, select: string, ...patterns: RegExp[]][] = [
  ["high below low", changed("high", "8"), /row 42\b/, /"high"/, /below low/],
  ["price of zero", changed("low", "0"), /row 42\b/, /"low"/, /not above 0/],
  ["missing price", changed("close", "NULL"), /row 42\b/, /"close"/, /missing/],
  ["infinite price", changed("high", "'inf'::DOUBLE"), /row 42\b/, /"high"/, /finite/],
  ["missing stamp", changed("timestamp", "NULL"), /row 42\b/, /timestamp is missing/],
  ["duplicate stamp", changed("timestamp", "DATE '2020-02-10'"), /row 42\b/, /second time/],
  ["stamp of the far future", changed("timestamp", "TIMESTAMP '3000-01-01'"), /row 42\b/, /3000-.* 1684 to 2255/],
  ["stamp near 2^63", changed("timestamp", "make_timestamp(9223372036854775800)"), /row 42\b/, /µs is not a time/],
  ["text for prices", "SELECT * EXCLUDE (i) REPLACE ('x' AS close) FROM bars", /"close"/, /numbers/],
  ["no rows", "SELECT * EXCLUDE (i) FROM bars LIMIT 0", /no bar/],
  ["two closes", "SELECT * EXCLUDE (i), close AS closf FROM bars", /"close"/, /twice/],
];

/** Ways to damage a whole Parquet file. */
const damages: [what: string, damage: (whole: Buffer) => Buffer][] = [
  ["three bytes of it", (whole) => whole.subarray(0, 3)],
  ["its first eight bytes", (whole) => whole.subarray(0, 8)],
  ["half of it", (whole) => whole.subarray(0, whole.length >> 1)],
  ["all but its last byte", (whole) => whole.subarray(0, -1)],
  ["all but its middle", (whole) => Buffer.concat([whole.subarray(0, 200), whole.subarray(400)])],
  [
    "a footer that claims two gigabytes",
    (whole) => Buffer.concat([whole.subarray(0, -8), Buffer.from("ffffff7f50415231", "hex")]),
  ],
];

describe("prepare refuses", () => {
  it.each(csvs)("CSV with %s", async (_, file, content, patterns) => {
    write(file, content());
    const result = await prepare([file, "--symbol", "SPX"]);
    expectRefusal(result, [...patterns, new RegExp(file.replaceAll(".", "\\."))]);
    expect(result.stderr).not.toMatch(/[^\P{Cc}\n\t]/u);
    expect(result.stderr.length).toBeLessThan(10_000);
    expect(filesBelow(result.out)).toEqual([]);
  });

  it.each(parquets)("Parquet with %s", async (name, _, ...patterns) => {
    if (name === "two closes") {
      const bytes = readFileSync(join(cwd, `${name}.parquet`), "latin1");
      write(`${name}.parquet`, Buffer.from(bytes.replaceAll("closf", "close"), "latin1"));
    }
    await refused([`${name}.parquet`, "--symbol", "SPX"], ...patterns);
  });

  it.each(damages)("a Parquet of which there is only %s", async (what, damage) => {
    write(`${what}.parquet`, damage(readFileSync(join(cwd, "whole.parquet"))));
    await refused([`${what}.parquet`, "--symbol", "SPX"], /damaged|decoded/, /Copy or export/);
  });

  it("what is no file: a folder, nothing, links that lead nowhere, a device", async () => {
    mkdirSync(join(cwd, "folder"));
    symlinkSync("loop.csv", join(cwd, "loop.csv"));
    symlinkSync("nowhere.csv", join(cwd, "dangling.csv"));
    const paths: [string, RegExp][] = [
      ["folder", /folder/],
      ["nothing.csv", /nothing\.csv/],
      ["loop.csv", /loop\.csv/],
      ["dangling.csv", /dangling\.csv/],
      ["/dev/zero", /regular file/],
    ];
    await eachOf(paths, 2, ([path, pattern]) => refused([path, "--symbol", "SPX"], pattern));
  });

  it("a time zone that does not exist", () =>
    refused(["good.csv", "--symbol", "SPX", "--tz", "America/Chicagoo"], /America\/Chicagoo/, /America\/Chicago\b/));

  it("intraday bars without --bar-time, and says why it matters", async () => {
    const stamps = Array.from({ length: 400 }, (_, i) => new Date(Date.UTC(2024, 0, 2, 0, i)).toISOString());
    write("minutes.csv", `timestamp,open,high,low,close\n${stamps.map((stamp) => `${stamp},10,11,9,10`).join("\n")}\n`);
    await refused(["minutes.csv", "--symbol", "X"], /--bar-time/);
  });

  it("an unknown flag, with the nearest", async () => {
    const result = await prepare(["good.csv", "--symbol", "SPX", "--bartime", "open"], foldwise);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/bartime[\s\S]*--bar-time/);
    expectNoStack(result);
  });
});

describe("names that reach a path are refused", () => {
  const BAD = ["../../x", ".x", "a/b", "x".repeat(65)];
  const calls: [what: string, args: (id: string) => string[]][] = [
    ["prepare --symbol", (id) => ["prepare", "good.csv", "--symbol", id, "--out", "ids"]],
    ["train --symbol", (id) => ["train", "--model", "logistic", "--symbol", id, "--horizon", "5", "--data", "."]],
    ["train --model", (id) => ["train", "--model", id, "--symbol", "SPX", "--horizon", "5", "--data", "."]],
    [
      "predict --symbol",
      (id) => ["predict", "--model-dir", "nowhere", "--data", ".", "--symbol", id, "--out", "p.csv"],
    ],
    ["resume", (id) => ["resume", id]],
    ["report", (id) => ["report", id]],
    ["runs", (id) => ["runs", id]],
    ["demo-data --symbol", (id) => ["demo-data", "--symbol", id, "--out", "ids"]],
  ];
  it.each(calls)("by %s", async (what, args) => {
    // One command sees them all; the others share its check.
    for (const id of what === "prepare --symbol" ? BAD : BAD.slice(0, 1)) {
      expectRefusal(
        await warm(args(id), { cwd }),
        what === "predict --symbol" ? [] : [new RegExp(id.replace(/[./]/g, "\\$&"))],
      );
    }
    expect(existsSync(join(cwd, "ids"))).toBe(false);
  });

  it("by train --run-id, before anything is read or written", async () => {
    const prepared = await prepare(["good.csv", "--symbol", "SPX", "--bar-time", "close", ...FEW], foldwise);
    expect(prepared.code, prepared.stderr).toBe(0);
    const args = [
      "train",
      "--model",
      "logistic",
      "--symbol",
      "SPX",
      "--horizon",
      "5",
      "--embargo",
      "1",
      "--allow-small",
    ];
    const data = ["--data", join(prepared.out, "datasets"), "--runs", "ids"];
    expectRefusal(await foldwise([...args, ...data, "--run-id", "../../x"], { cwd }), [/"\.\.\/\.\.\/x"/, /run id/]);
    expect(filesBelow(join(cwd, "ids"))).toEqual([]);
  });
});

describe("prepare takes files of any name", () => {
  it.concurrent.each(["a*b?[c].csv", `it's "quoted" $(touch pwned); %s.csv`, "--json.csv", "Übergrößenträger 🚀.csv"])(
    "%s",
    async (name) => {
      write(name, good);
      const result = await prepare(["--symbol", "SPX", "--bar-time", "close", ...FEW, "--", name], foldwise);
      expect(result.code, result.stderr).toBe(0);
      expect(filesBelow(result.out)).toEqual(["datasets/SPX.meta.json", "datasets/SPX.parquet"]);
      expect(existsSync(join(cwd, "pwned"))).toBe(false);
    },
  );
});
