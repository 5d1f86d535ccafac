/** `foldwise audit`: planted leaks are found, with their evidence, and a clean dataset is not accused. Clean runs: allModels.test.ts. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseManifest, renderManifest } from "../../src/artifacts/bundleManifest.js";
import { type Audit, auditSchema } from "../../src/audit/index.js";
import { sha256 } from "../../src/files/index.js";
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

it("accuses a clean dataset of nothing, its features being what the bars give", async () => {
  const { stdout } = await succeeds(["audit", "--symbol", "MES", "--bars", "bars.csv"], { cwd });
  expect(stdout).toMatch(/^Leaks\? NONE FOUND\n/);
  expect(stdout).toMatch(/from bars +none +27 of 27 features are what the bars give/);
});

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

it("finds that a bundle's scaler knows rows behind the training rows", async () => {
  await succeeds(["train", "--model", "logistic", "--symbol", "MES", "--horizon", "20", "--run-id", "own"], { cwd });
  const bundle = at("experiments", "runs", "own", "models", "logistic_MES_h20");
  const features = readFileSync(join(bundle, "feature_names.txt"), "utf8").trim().split("\n");
  const columns = (what: string): string => `[${features.map((name) => `${what}("${name}")::DOUBLE`).join(", ")}]`;
  const [all] = await query(
    `SELECT ${columns("median")} AS median, ${columns("avg")} AS mean, ${columns("stddev_pop")} AS scale FROM '${at("data/datasets/MES.parquet")}'`,
  );
  const scaler = JSON.stringify(all);
  writeFileSync(join(bundle, "scaler.json"), scaler);
  const path = join(bundle, "manifest.json");
  const manifest = parseManifest(readFileSync(path, "utf8"), path);
  manifest.files["scaler.json"] = { sha256: sha256(scaler), bytes: Buffer.byteLength(scaler) };
  writeFileSync(path, renderManifest(manifest));
  const result = await foldwise(["audit", "own"], { cwd });
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout).toMatch(/^Leaks\? CERTAIN: 1 finding\n/);
  expect(result.stdout).toContain("The scaler of logistic_MES_h20 holds the statistics of all rows");
});

it.each([
  [["audit"], /--symbol NAME/],
  [["audit", "nowhere"], /foldwise runs/],
  [["audit", "--data", "data/datasets/MES.parquet", "--split-column", "rsi_14"], /Write train, val or test/],
])("%j is refused", async (args, remedy) => {
  const { code, stderr } = await foldwise(args, { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(remedy);
});
