import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { formatStamp, readBars } from "../../src/data/index.js";
import { FoldwiseError } from "../../src/types/index.js";
import { failureOf, temporaryFolder } from "./helpers.js";

const FIXTURES = join(import.meta.dirname, "../fixtures/bars");

const caseSchema = z.strictObject({
  options: z.strictObject({
    barTime: z.enum(["open", "close"]).optional(),
    timeZone: z.string().optional(),
    dateOrder: z.enum(["mdy", "dmy"]).optional(),
  }),
  rows: z.number().optional(),
  first: z.string().optional(),
  last: z.string().optional(),
  step: z.number().nullable().optional(),
  barTime: z.string().optional(),
  volume: z.number().optional(),
  contract: z.string().optional(),
  notice: z.string().optional(),
  /** What dates such as 03/04/2024 mean, and how that is known: `dmy told`. */
  order: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  remedy: z.string().optional(),
  line: z.number().optional(),
  row: z.number().optional(),
  column: z.string().optional(),
});

/** Every data file of a folder with the JSON beside it: a new case is a new pair of files. */
function cases(kind: "good" | "bad") {
  const folder = join(FIXTURES, kind);
  const names = readdirSync(folder);
  return names
    .filter((name) => !name.endsWith(".json"))
    .map((name) => {
      const expected = caseSchema.parse(JSON.parse(readFileSync(join(folder, name.replace(/\..*/, ".json")), "utf8")));
      const { barTime, timeZone, dateOrder } = expected.options;
      const options = {
        ...(barTime === undefined ? {} : { barTime }),
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(dateOrder === undefined ? {} : { dateOrder }),
      };
      return { name, path: join(folder, name), expected, options };
    });
}

describe("readBars reads", () => {
  it.each(cases("good"))("$name", async ({ path, expected, options }) => {
    const notices: string[] = [];
    const { bars, step, barTime, dateOrder, source } = await readBars(path, {
      ...options,
      onNotice: (text) => notices.push(text),
    });
    expect(bars.n).toBe(expected.rows);
    expect(source.rows).toBe(expected.rows);
    expect(formatStamp(bars.timestamp[0]!)).toBe(expected.first);
    if (expected.last !== undefined) expect(formatStamp(bars.timestamp.at(-1)!)).toBe(expected.last);
    expect(step).toBe(expected.step);
    expect(barTime).toBe(expected.barTime);
    if (expected.volume !== undefined) expect(bars.volume[0]).toBe(expected.volume);
    expect(bars.contract?.[0]).toBe(expected.contract);
    if (expected.order !== undefined) expect(`${dateOrder?.order} ${dateOrder?.by}`).toBe(expected.order);
    expect(notices.join()).toContain(expected.notice ?? "");
    expect([bars.open[0], bars.low[0], bars.close[0]]).toEqual([10, 9, 10.5]);
  });
});

describe("readBars refuses", () => {
  it.each(cases("bad"))("$name", async ({ path, expected, options }) => {
    const error = await failureOf(readBars(path, options));
    expect(error.code).toBe(expected.code);
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(expected.message ?? "");
    expect(error.remedy).not.toBe(undefined);
    expect(error.remedy).toContain(expected.remedy ?? "");
    expect(error.message).not.toContain("Possible fixes");
    const { line, row, column } = error.details;
    if (expected.line !== undefined) expect(line).toBe(expected.line);
    if (expected.row !== undefined) expect(row).toBe(expected.row);
    if (expected.column !== undefined) expect(column).toBe(expected.column);
  });

  it("a file that is not there, a folder and a device, each by what it is", async () => {
    expect((await failureOf(readBars("no/such/file.csv"))).code).toBe("data.not_found");
    expect((await failureOf(readBars(FIXTURES))).code).toBe("data.is_a_directory");
    expect((await failureOf(readBars("/dev/null"))).code).toBe("data.not_a_file");
  });

  it("a misspelt zone with the name that was probably meant", async () => {
    const error = await failureOf(readBars("x.csv", { timeZone: "Europe/Lodnon" }));
    expect(error.message).toContain("Europe/London");
    expect(error).toBeInstanceOf(FoldwiseError);
  });
});

describe("file names", () => {
  it("are never patterns: brackets, stars and quotes stand for themselves", async () => {
    const folder = temporaryFolder();
    const text = readFileSync(join(FIXTURES, "good/iso_utc.csv"));
    for (const name of ["a[1]*?.csv", 'it\'s "quoted".csv', "a1x.csv"]) writeFileSync(join(folder, name), text);
    const { bars } = await readBars(join(folder, "a[1]*?.csv"), { barTime: "close" });
    expect(bars.n).toBe(3);
    await readBars(join(folder, 'it\'s "quoted".csv'), { barTime: "close" });
  });
});
