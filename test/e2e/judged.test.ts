/** What a job is judged by: the prior of the training rows, and an opening of the test rows that counts before they are scored. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { reportSchema } from "../../src/report/index.js";
import { emptyFolder, foldwise } from "./cli.js";
import { readJson, succeeds } from "./fixture.js";
import { duck } from "./refusal.js";

/** Without a meta file the parts are 70/15/15: rows 0, 1400 and 1700 of 2000 begin them. The feature is the row's number. */
const TEST_START = 1700;
const DATASET = `SELECT TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * i AS timestamp, i::FLOAT AS row_number,
  (CASE WHEN i < ${TEST_START} THEN [-1, -1, 0, 1] ELSE [1, 1, 1, 0] END)[i % 4 + 1]::TINYINT AS label_h5
  FROM range(2000) rows(i) ORDER BY i`;

/** Gives every class a third; refuses rows of the test part where it is told to. */
const PLUGIN = `
class Thirds {
  constructor(params) { this.params = params; }
  async fit() {
    return { trainLoss: 1, valLoss: 1, trainAccuracy: 0, valAccuracy: 0, bestEpoch: 0, totalEpochs: 1, earlyStopped: false, trainingTime: 0 };
  }
  async predict(X) {
    const values = X.kind === "view" ? await X.read() : X.data;
    if (this.params.shy && values.some((row) => row >= ${TEST_START})) throw new Error("not these rows");
    const n = X.shape[0];
    return {
      predictions: new Int8Array(n).fill(-1),
      probabilities: new Float32Array(3 * n).fill(1 / 3),
      confidence: new Float32Array(n).fill(1 / 3),
    };
  }
  async save(dir) {
    const { writeFile } = await import("node:fs/promises");
    await writeFile(dir + "/thirds.json", JSON.stringify(this.params));
  }
}
const load = async (dir) => {
  const { readFile } = await import("node:fs/promises");
  return new Thirds(JSON.parse(await readFile(dir + "/thirds.json", "utf8")));
};
export default ({ z }) => ({
  kind: "typescript", id: "thirds", title: "A third each",
  capabilities: { input: "tabular", earlyStopping: false, missingValues: "impute", importance: "permutation", devices: ["cpu"], scaler: false },
  params: z.strictObject({ shy: z.boolean().default(false).describe("Refuse test rows.") }), training: z.strictObject({}),
  create: ({ model_params }) => new Thirds(model_params), load,
});
`;

let cwd: string;
const train = (...more: string[]): string[] => [
  ...["train", "--plugin", "thirds.mjs", "--model", "thirds", "--symbol", "ROWS", "--horizon", "5", "--data", "d"],
  ...["--embargo", "7", ...more],
];
beforeAll(async () => {
  cwd = emptyFolder();
  mkdirSync(join(cwd, "d"));
  await duck(`COPY (${DATASET}) TO '${join(cwd, "d", "ROWS.parquet")}' (FORMAT parquet)`);
  writeFileSync(join(cwd, "thirds.mjs"), PLUGIN);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("the prior is that of the training rows, whatever the rows that it is scored on", async () => {
  await succeeds(train("--run-id", "r"), { cwd });
  const report = reportSchema.parse(readJson(join(cwd, "experiments/runs/r/reports/thirds_ROWS_h5_report.json")));
  const { train: fitted, test } = report.rows;
  const shares = [-1, 0, 1].map((label) => fitted.classes![String(label) as "0"]! / fitted.rows);
  expect(shares[0]).toBeCloseTo(0.5, 2);
  expect(Object.values(report.prior).sort()).toEqual([...shares].sort());
  const counts = [-1, 0, 1].map((label) => test.classes![String(label) as "0"]!);
  expect(counts[0]).toBe(0);
  const loss = counts.reduce((sum, count, k) => sum - count * Math.log(shares[k]!), 0) / test.rows;
  expect(report.test!.prior.metrics.log_loss).toBeCloseTo(loss, 9);
});

it("an opening counts before the test rows are scored: a job that fails over them has opened them", async () => {
  const runs = join(cwd, "experiments", "runs");
  const failed = await foldwise(train("--run-id", "shy", "--set", "model_params.shy=true"), { cwd });
  expect(failed.code, failed.stderr).toBe(1);
  expect(failed.stderr).toMatch(/not these rows/);
  const opened = readFileSync(join(runs, "shy", "openings.ndjson"), "utf8")
    .trim()
    .split("\n");
  expect(opened).toHaveLength(1);
  expect(JSON.parse(opened[0]!)).toMatchObject({ symbol: "ROWS", job: "thirds_ROWS_h5" });
  // With the part closed, its rows are not scored, and so not opened.
  await succeeds(train("--run-id", "closed", "--set", "model_params.shy=true", "--no-test"), { cwd });
  expect(existsSync(join(runs, "closed", "openings.ndjson"))).toBe(false);
});

it("a plug-in without an engine is not calibrated, and says so", async () => {
  const { stderr } = await succeeds(train("--run-id", "plain", "--no-test"), { cwd });
  expect(stderr).toMatch(/thirds is not calibrated: only a model with an engine/);
  const report = reportSchema.parse(readJson(join(cwd, "experiments/runs/plain/reports/thirds_ROWS_h5_report.json")));
  expect(report.calibration).toBeNull();
  expect(report.notices.join("\n")).toContain("thirds is not calibrated");
});
