/** What was trained in Python answers the same in Node; and raw bars give what `prepare` and prepared rows give. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/artifacts/index.js";
import { featureStream } from "../../src/data/index.js";
import { createPool, type EnginePool } from "../../src/engine/index.js";
import { encodeNpy, readNpy } from "../../src/files/index.js";
import { ROOT } from "./cli.js";
import { columnsOf, largestDifference, preparedFolder, query, succeeds } from "./fixture.js";
import { warm, warmSucceeds } from "./warm.js";

const MODELS = ["xgboost", "logistic"] as const;
let cwd: string;
let pool: EnginePool;
const bundleOf = (job: string): string => join("experiments", "runs", "r", "models", job);
const made = new Map<string, Promise<string>>();
/** Path of the predictions; the same question is asked only once. */
function predict(job: string, ...source: string[]): Promise<string> {
  const key = [job, ...source].join(" ");
  const out = `p${made.size}.parquet`;
  const path = made.get(key) ?? predictTo(out, job, ...source);
  made.set(key, path);
  return path;
}
async function predictTo(out: string, job: string, ...source: string[]): Promise<string> {
  await warmSucceeds(["predict", "--model-dir", bundleOf(job), ...source, "--out", out], { cwd });
  return join(cwd, out);
}

beforeAll(async () => {
  cwd = await preparedFolder();
  pool = createPool();
  const csv = join(ROOT, "examples", "data", "sp500_daily.csv");
  await succeeds(
    ["prepare", csv, "--symbol", "SPX", "--out", "data", "--horizons", "5,20", "--set", "features.timeframes=[]"],
    { cwd },
  );
  const grid = ["--model", MODELS.join(","), "--symbol", "MES,SPX", "--horizon", "20"];
  const short = ["--set", "training.boosting.num_boost_round=40"];
  await succeeds(["train", ...grid, "--no-test", "--run-id", "r", ...short], { cwd });
});
afterAll(async () => {
  await pool.close();
  rmSync(cwd, { recursive: true, force: true });
});

describe.each(MODELS)("the bundle of %s", (model) => {
  const job = `${model}_MES_h20`;

  it("predicts in Node what its engine predicts, on every row (1e-5)", async () => {
    const out = await predict(job, "--data", "data/datasets/MES.parquet");
    const { manifest } = await readBundle(join(cwd, bundleOf(job)));
    const batches = [];
    for await (const batch of featureStream(join(cwd, "data/datasets/MES.parquet"), manifest.features))
      batches.push(batch);
    const X = Float32Array.from(batches.flatMap((batch) => [...batch.X]));
    const F = manifest.features.length;
    const folder = join(cwd, `native-${model}`);
    mkdirSync(folder);
    writeFileSync(join(folder, "x.npy"), encodeNpy("<f4", [X.length / F, F], X));
    await pool.run({
      type: "predict",
      model,
      adapter: null,
      model_dir: join(cwd, bundleOf(job)),
      x: join(folder, "x.npy"),
      rows: null,
      out: join(folder, "p.npy"),
      device: "cpu",
    });
    const native = readNpy(join(folder, "p.npy"), "<f4").data;
    const rows = await query(`SELECT p_short, p_neutral, p_long FROM '${out}' ORDER BY row`);
    const served = rows.flatMap((row) => [Number(row.p_short), Number(row.p_neutral), Number(row.p_long)]);
    expect(served).toHaveLength(native.length);
    expect(served.length).toBeGreaterThan(3 * 3500);
    expect(Math.max(...served.map((p, i) => Math.abs(p - native[i]!)))).toBeLessThanOrEqual(1e-5);
  });

  it("predicts for raw bars what it predicts for prepared rows (1e-5)", async () => {
    const prepared = await predict(job, "--data", "data/datasets", "--symbol", "MES");
    const raw = await predict(job, "--bars", "bars.csv");
    const forward = await largestDifference(prepared, raw);
    expect(forward.rows).toBeGreaterThan(3500);
    expect(forward.difference).toBeLessThanOrEqual(1e-5);
    expect((await largestDifference(raw, prepared)).rows).toBe(forward.rows);
  });

  it("predicts the same for bars that start later, after their warm-up", async () => {
    const { pipeline } = await readBundle(join(cwd, bundleOf(job)));
    const [head, ...lines] = readFileSync(join(cwd, "bars.csv"), "utf8").trim().split("\n");
    const later = lines.slice(-(pipeline?.warmup ?? 0) - 300);
    writeFileSync(join(cwd, "later.csv"), `${[head, ...later].join("\n")}\n`);
    const whole = await predict(job, "--bars", "bars.csv");
    const part = await predict(job, "--bars", "later.csv");
    const { rows, difference } = await largestDifference(part, whole);
    expect(rows).toBe(300);
    expect(difference).toBeLessThanOrEqual(1e-5);
  });

  it("predicts for daily bars of the S&P 500 what it predicts for their prepared rows (1e-5)", async () => {
    const daily = `${model}_SPX_h20`;
    const prepared = await predict(daily, "--data", "data/datasets/SPX.parquet");
    const raw = await predict(daily, "--bars", join(ROOT, "examples/data/sp500_daily.csv"));
    const { rows, difference } = await largestDifference(prepared, raw);
    expect(rows).toBeGreaterThan(4000);
    expect(difference).toBeLessThanOrEqual(1e-5);
  });
});

describe("predict", () => {
  const model = (): string[] => ["predict", "--model-dir", bundleOf("logistic_MES_h20")];

  it("reads the split layout, whole or one part, and CSV", async () => {
    const series = await predict("logistic_MES_h20", "--data", "data/datasets/MES.parquet");
    const folder = ["--data", "data/splits/scaled", "--symbol", "MES"];
    const splits = await predictTo("splits.csv", "logistic_MES_h20", ...folder);
    expect(await largestDifference(splits, series)).toMatchObject({ difference: expect.closeTo(0, 6) });
    const test = await predict("logistic_MES_h20", ...folder, "--part", "test");
    const [range] = await query(`SELECT min(row) AS first, count(*)::INT AS n, any_value(part) AS part FROM '${test}'`);
    const [all] = await query(`SELECT count(*)::INT AS n FROM '${series}'`);
    expect(range?.part).toBe("test");
    expect(Number(range?.first) + Number(range?.n)).toBe(all?.n);
    await query(`COPY (FROM '${join(cwd, "data/datasets/MES.parquet")}') TO '${join(cwd, "MES.csv")}' (HEADER)`);
    const csv = await predict("logistic_MES_h20", "--data", "MES.csv");
    expect((await largestDifference(csv, series)).difference).toBeLessThanOrEqual(1e-5);
  });

  it("matches features by name, whatever their order in the file", async () => {
    const series = join(cwd, "data/datasets/MES.parquet");
    const columns = (await columnsOf(series)).map(({ name }) => `"${name}"`).reverse();
    await query(`COPY (SELECT ${columns.join(", ")} FROM '${series}') TO '${join(cwd, "reversed.parquet")}'`);
    const a = await predict("logistic_MES_h20", "--data", "reversed.parquet");
    const b = await predict("logistic_MES_h20", "--data", "data/datasets/MES.parquet");
    expect((await largestDifference(a, b)).difference).toBe(0);
  });

  it("refuses missing and extra features by name", async () => {
    const series = join(cwd, "data/datasets/MES.parquet");
    await query(`COPY (SELECT * EXCLUDE (rsi_14), 1.5 AS oddity FROM '${series}') TO '${join(cwd, "other.parquet")}'`);
    const result = await warm([...model(), "--data", "other.parquet", "--out", "other-p.parquet"], { cwd });
    expect(result.code, result.stderr).toBe(2);
    expect(result.stderr).toMatch(/rsi_14/);
    expect(result.stderr).toMatch(/oddity/);
  });

  it("takes exactly one of --data and --bars", async () => {
    for (const source of [[], ["--data", "data/datasets/MES.parquet", "--bars", "bars.csv"]]) {
      const result = await warm([...model(), ...source, "--out", "p.csv"], { cwd });
      expect(result.code).toBe(2);
      expect(result.stderr).toMatch(/exactly one of --data and --bars/);
    }
  });

  it("refuses bars of another length than those of the training", async () => {
    const bars = ["demo-data", "--symbol", "MES", "--bars", "2000", "--bar", "15m", "--out", "slow.csv"];
    await succeeds(bars, { cwd });
    const result = await warm([...model(), "--bars", "slow.csv", "--out", "p.csv"], { cwd });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/15 minutes.*5 minutes/);
  });

  it("says of a bundle without a pipeline that it needs prepared rows", async () => {
    const bare = join(cwd, "data/datasets/MES.parquet");
    mkdirSync(join(cwd, "bare"));
    await query(`COPY (FROM '${bare}') TO '${join(cwd, "bare/MES.parquet")}'`);
    const train = ["train", "--model", "logistic", "--symbol", "MES", "--horizon", "20", "--no-test"];
    await succeeds([...train, "--data", "bare", "--run-id", "bare"], { cwd });
    const dir = "experiments/runs/bare/models/logistic_MES_h20";
    const result = await warm(["predict", "--model-dir", dir, "--bars", "bars.csv", "--out", "p.csv"], { cwd });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/--data/);
  });
});
