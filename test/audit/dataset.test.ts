/** What `auditDataset` makes of files: the contract's own, and those that break it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { type Audit, auditDataset, auditJsonSchema, auditSchema, formatAudit } from "../../src/audit/index.js";
import { seededRandom } from "../../src/types/index.js";

const SCHEMA = new URL("../../docs/schemas/audit.schema.json", import.meta.url);
const dir = mkdtempSync(join(tmpdir(), "foldwise-audit-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const stamp = (row: number): string => new Date(Date.UTC(2024, 0, 1, 0, 5 * row)).toISOString();

interface Line {
  row: number;
  end: number;
  label: number;
  use: string;
  values: number[];
}

/** A CSV of 600 rows, labels of five bars; `change` bends each. */
function write(
  name: string,
  change: (line: Line) => Line = (line) => line,
  order = (lines: string[]) => lines,
): string {
  const random = seededRandom(1);
  const lines = Array.from({ length: 600 }, (_, row) => {
    const values = [random.normal(), random.normal(), random.normal()].map((value) => Number(value.toFixed(6)));
    const use = row < 394 ? "train" : row < 400 ? "" : "test";
    const line = change({ row, end: row + 5, label: random.int(3) - 1, use, values });
    return [stamp(line.row), line.label, stamp(line.end), line.use, ...line.values].join(",");
  });
  const path = join(dir, `${name}.csv`);
  writeFileSync(path, ["timestamp,label_h5,label_end_h5,use,a,b,c", ...order(lines)].join("\n"));
  return path;
}

const audit = (data: string, more: Partial<Parameters<typeof auditDataset>[0]> = {}): Promise<Audit> =>
  auditDataset({ data, cwd: dir, splitColumns: ["use"], ...more });
const verdictOf = ({ checks }: Audit, check: string) => checks.find((each) => each.check === check)?.verdict;

it("a purged split is clean, as text and by the schema", async () => {
  const result = await audit(write("clean"));
  expect(auditSchema.parse(result)).toMatchObject({
    verdict: "none",
    kind: "split",
    rows: 600,
    features: 3,
    findings: [],
  });
  expect(formatAudit(result)).toMatch(
    /^Leaks\? NONE FOUND\n\nclean: 600 rows × 3 features, horizon 5; clean.csv, rows as they stand, nothing purged\nRows fitted → judged by: use: train 394 → test 200\n/,
  );
});

it("rows in any order, twice, or with ends before them are findings, not refusals", async () => {
  const shuffled = await audit(write("shuffled", undefined, (lines) => lines.reverse()));
  expect(shuffled).toMatchObject({
    verdict: "none",
    notices: ["The rows were not in the order of time; they were sorted."],
  });
  const twice = await audit(
    write("twice", undefined, (lines) => [
      ...lines,
      ...lines.slice(450, 470).map((line) => line.replace("test", "train")),
    ]),
  );
  expect([verdictOf(twice, "duplicates"), verdictOf(twice, "overlap")]).toEqual(["certain", "certain"]);
  expect(twice.findings.find(({ check }) => check === "duplicates")).toMatchObject({
    evidence: { rows: 20 },
    rows: [451, 450],
  });
  const before = await audit(write("before", (line) => (line.row % 100 === 9 ? { ...line, end: line.row - 1 } : line)));
  expect(before.findings).toMatchObject([{ check: "ends", verdict: "certain", evidence: { rows: 6 } }]);
});

it("without a column a series is judged as `train` would cut and purge it", async () => {
  const plain = write("plain", (line) => ({ ...line, use: "1" }));
  const result = await audit(plain, { splitColumns: [], store: join(dir, "store") });
  expect(result).toMatchObject({ kind: "dataset", verdict: "none" });
  expect(result.splits[0]?.held.map(({ name }) => name)).toEqual(["stop", "calibrate", "test"]);
});

it("split files of one's own are judged as they stand: nobody has purged them", async () => {
  const random = seededRandom(3);
  for (const [part, from, to] of [
    ["train", 0, 300],
    ["val", 300, 350],
    ["test", 350, 400],
  ] as const) {
    const lines = Array.from({ length: to - from }, (_, i) =>
      [stamp(from + i), random.int(3) - 1, stamp(from + i + 5), random.normal(), random.normal()].join(","),
    );
    writeFileSync(join(dir, `OWN_${part}.csv`), ["timestamp,label_h5,label_end_h5,a,b", ...lines].join("\n"));
  }
  const result = await audit(dir, { symbol: "OWN", splitColumns: [] });
  expect(result).toMatchObject({ kind: "split", verdict: "certain" });
  expect(result.findings).toMatchObject([
    { check: "overlap", split: "train / val", evidence: { rows: 5, first_row: 295 } },
    { check: "overlap", split: "val / test", evidence: { rows: 5, first_row: 345 } },
  ]);
});

it("is refused without a symbol, with a column that is not there, and with bars that nobody knows what to make of", async () => {
  const path = write("refused");
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: { code?: string }) => error.code,
    );
  expect(await code(audit(dir, { splitColumns: [] }))).toBe("usage.symbol_required");
  expect(await code(audit(path, { splitColumns: ["fold"] }))).toBe("data.missing_column");
  expect(await code(audit(path, { bars: path }))).toBe("usage.no_pipeline");
});

it("the shipped schema is the one that audits are written by", async () => {
  await expect(`${JSON.stringify(auditJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  expect(() =>
    z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA, "utf8")) as z.core.JSONSchema.JSONSchema),
  ).not.toThrow();
});
