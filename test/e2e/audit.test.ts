/** `foldwise audit`: planted leaks are found, with their evidence. Runs: allModels.test.ts; a clean dataset: auditGuide.test.ts. */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Audit, auditSchema } from "../../src/audit/index.js";
import { type CliResult, foldwise } from "./cli.js";
import { columnsOf, preparedFolder, query, succeeds } from "./fixture.js";

let cwd: string;
const at = (...parts: string[]): string => join(cwd, ...parts);

beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const auditOf = ({ events }: CliResult): Audit => {
  const last = events.at(-1) as { event: string; audits: unknown[] };
  expect(last.event).toBe("finished");
  return auditSchema.parse(last.audits[0]);
};
const certain = ({ findings }: Audit): Audit["findings"] => findings.filter(({ verdict }) => verdict === "certain");
const featuresOf = async (parquet: string): Promise<string[]> =>
  (await columnsOf(parquet))
    .map(({ name }) => name)
    .filter(
      (name) =>
        !/^(timestamp|open|high|low|close|volume|contract|entry_price|piece|(label|label_end|sample_weight|return)_h\d+)$/.test(
          name,
        ),
    );

it("proves by the bars that a feature was moved up by a bar", async () => {
  mkdirSync(at("shifted"));
  copyFileSync(at("data", "datasets", "MES.meta.json"), at("shifted", "MES.meta.json"));
  await query(
    `COPY (SELECT * REPLACE (coalesce(lead(rsi_14) OVER (ORDER BY timestamp), rsi_14)::FLOAT AS rsi_14)
           FROM '${at("data/datasets/MES.parquet")}' ORDER BY timestamp) TO '${at("shifted/MES.parquet")}' (FORMAT parquet)`,
  );
  const args = ["audit", "--data", "shifted", "--symbol", "MES"];
  const proved = await foldwise([...args, "--bars", "bars.csv", "--json"], { cwd });
  expect(proved.code, proved.stderr).toBe(1);
  expect(certain(auditOf(proved))).toMatchObject([
    { check: "bars", feature: "rsi_14", evidence: { bars_ahead: 1, rows: expect.any(Number) } },
  ]);
  // Without them it is suspect, and the only one that is.
  const guessed = await succeeds([...args, "--json"], { cwd });
  expect(auditOf(guessed).findings).toMatchObject([{ check: "look_ahead", verdict: "suspect", feature: "rsi_14" }]);
});

describe("rows and a split of the user's own", () => {
  let audit: Audit;
  beforeAll(async () => {
    const source = at("data/datasets/MES.parquet");
    const features = await featuresOf(source);
    // Rows 3000 … 3019 get the features of rows 100 … 119; then all are standardised together; the split cuts 70/30 without a purge.
    const scaled = features.map(
      (name) => `(("${name}" - avg("${name}") OVER ()) / stddev_pop("${name}") OVER ())::FLOAT AS "${name}"`,
    );
    await query(
      `COPY (
         WITH numbered AS (SELECT *, (row_number() OVER (ORDER BY timestamp) - 1)::INT AS i FROM '${source}' WHERE label_h20 IS NOT NULL),
              moved AS (SELECT timestamp, label_h20, label_end_h20, i, CASE WHEN i BETWEEN 3000 AND 3019 THEN i - 2900 ELSE i END AS from_i FROM numbered),
              joined AS (SELECT m.timestamp, n.label_h20, m.label_end_h20, m.i, ${features.map((name) => `n."${name}"`).join(", ")}
                         FROM moved m JOIN numbered n ON n.i = m.from_i)
         SELECT timestamp, label_h20, label_end_h20, CASE WHEN i < 2600 THEN 'train' ELSE 'test' END AS use,
                ${scaled.join(", ")}, label_h20::FLOAT AS answer
         FROM joined ORDER BY timestamp) TO '${at("own.parquet")}' (FORMAT parquet)`,
    );
    const result = await foldwise(["audit", "--data", "own.parquet", "--split-column", "use", "--json"], { cwd });
    expect(result.code, result.stderr).toBe(1);
    audit = auditOf(result);
  });

  it("labels of training rows that overlap with tested ones", () => {
    const [found] = certain(audit).filter(({ check }) => check === "overlap");
    expect(found).toMatchObject({ split: "use: train / test", horizon: 20 });
    expect(Number(found?.evidence.rows)).toBeGreaterThan(5);
    expect(Number(found?.evidence.rows)).toBeLessThanOrEqual(20);
  });

  it("a scaler fitted on all rows", () => {
    expect(certain(audit).filter(({ check }) => check === "scaling")).toMatchObject([
      { evidence: { features: 27, standardised_over: "all rows" } },
    ]);
  });

  it("a label among the features", () => {
    expect(certain(audit).filter(({ check }) => check === "single_feature")).toMatchObject([
      { feature: "answer", horizon: 20, message: expect.stringMatching(/^answer alone tells (99|100)\.\d %/) },
    ]);
  });

  it("rows that stand on both sides", () => {
    const [found] = certain(audit).filter(({ check }) => check === "duplicates");
    expect(found).toMatchObject({ rows: [100, 3000], evidence: { rows: 20 } });
  });

  it("and nothing else", () => {
    expect(certain(audit)).toHaveLength(4);
  });
});

it("is refused with what to name", async () => {
  const { code, stderr } = await foldwise(["audit"], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/Give --symbol NAME, or one file with --data, or the name of a run/);
  const missing = await foldwise(["audit", "--data", "nothere.csv"], { cwd });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain("nothere.csv: there is no such file or folder.");
});
