/** `foldwise train --model all`: every model on real daily bars and on both synthetic futures, in one grid. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseManifest, renderManifest } from "../../src/artifacts/bundleManifest.js";
import { type Audit, auditSchema } from "../../src/audit/index.js";
import { openDataset } from "../../src/data/index.js";
import { sha256 } from "../../src/files/index.js";
import { loadModel } from "../../src/inference/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { type CliResult, emptyFolder, foldwise, ROOT } from "./cli.js";
import { query, readJson, succeeds } from "./fixture.js";
import { eachModel, MODELS } from "./models.js";

const SYMBOLS = ["SPX", "MES", "MGC"];
const HORIZON = 10;
/** 27 features instead of 180. */
const FEW = ["--set", "features.timeframes=[]", "--set", "features.groups=[momentum,volatility]"];

let cwd: string;
let result: CliResult;
const at = (...parts: string[]): string => join(cwd, ...parts);
const run = (...parts: string[]): string => at("experiments", "runs", "all", ...parts);
const reportOf = (model: string, symbol: string): Report =>
  reportSchema.parse(readJson(run("reports", `${model}_${symbol}_h${HORIZON}_report.json`)));

beforeAll(async () => {
  cwd = emptyFolder();
  const [head, ...days] = readFileSync(join(ROOT, "examples", "data", "sp500_daily.csv"), "utf8")
    .trim()
    .split("\n");
  writeFileSync(at("SPX.csv"), [head, ...days.slice(-3000)].join("\n"));
  const files: Record<string, string> = { SPX: "SPX.csv" };
  for (const symbol of ["MES", "MGC"]) {
    files[symbol] = `${symbol}.csv`;
    await succeeds(["demo-data", "--symbol", symbol, "--bars", "3000", "--out", files[symbol]], { cwd });
  }
  for (const symbol of SYMBOLS) {
    const args = ["--symbol", symbol, "--bar-time", "close", "--horizons", String(HORIZON), ...FEW];
    await succeeds(["prepare", files[symbol]!, ...args], { cwd });
  }
  const short = [
    "training.neural.max_epochs=2",
    "training.boosting.num_boost_round=20",
    "models.random_forest.model_params.n_estimators=10",
    "models.stacking.model_params.folds=2",
  ].flatMap((setting) => ["--set", setting]);
  const grid = ["--symbol", SYMBOLS.join(","), "--horizon", String(HORIZON), ...short];
  result = await foldwise(["train", "--model", "all", ...grid, "--run-id", "all"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("ends with exit code 0 and every job done", () => {
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain(`${3 * MODELS.length} of ${3 * MODELS.length} jobs succeeded.`);
});

describe.each(SYMBOLS)("on %s", (symbol) => {
  /** The lines of the symbol's leaderboard: name and calibrate log-loss. */
  const leaderboard = (): [name: string, loss: number][] => {
    const start = result.stdout.indexOf(`${symbol}, horizon ${HORIZON} bars`);
    const [, , ...lines] = result.stdout.slice(start).split("\n\n")[0]!.trimEnd().split("\n");
    return lines.map((line) => /^(\(prior only\)|\S+) +([\d.]+)/.exec(line)!).map((m) => [m[1]!, Number(m[2])]);
  };

  it("shows a leaderboard of all models and the prior, in the order of the calibrate log-loss", () => {
    const lines = leaderboard();
    expect(lines.map(([name]) => name).sort()).toEqual(["(prior only)", ...MODELS].sort());
    expect(lines.map(([, loss]) => loss)).toEqual(lines.map(([, loss]) => loss).sort((a, b) => a - b));
    for (const [name, loss] of lines.filter(([name]) => name !== "(prior only)")) {
      expect(loss).toBeCloseTo(reportOf(name, symbol).validation.calibrate.metrics.log_loss, 3);
    }
  });

  it("says which bars are synthetic", () => {
    for (const model of MODELS) expect(reportOf(model, symbol).synthetic).toBe(symbol !== "SPX");
    expect(result.stdout.includes(`${symbol}, horizon ${HORIZON} bars, SYNTHETIC data`)).toBe(symbol !== "SPX");
  });

  eachModel("the bundle of %s predicts in Node", String, async (model) => {
    const data = await openDataset({ symbol, horizon: HORIZON, data: at("data", "datasets"), store: at(".foldwise") });
    const served = await loadModel(run("models", `${model}_${symbol}_h${HORIZON}`));
    const { predictions, probabilities, confidence } = await served.predict(data.test.X);
    await served.close();
    expect(predictions).toHaveLength(data.test.y.length);
    // Not the same answer for every row.
    expect(new Set(confidence).size).toBeGreaterThan(10);
    const sums = Array.from(predictions, (_, row) =>
      probabilities.subarray(3 * row, 3 * row + 3).reduce((total, p) => total + p, 0),
    );
    expect(sums.filter((sum) => !(Math.abs(sum - 1) < 5e-6))).toEqual([]);
  });
});

it("`audit` is certain of no leak in the run, and finds a scaler that knows rows behind the training rows", async () => {
  const audits = async (...args: string[]): Promise<{ code: number | null; audits: Audit[] }> => {
    const { code, events } = await foldwise(["audit", "all", ...args, "--json"], { cwd });
    return { code, audits: (events.at(-1) as { audits: unknown[] }).audits.map((audit) => auditSchema.parse(audit)) };
  };
  const clean = await audits();
  expect(clean.audits.map(({ symbol, verdict }) => [symbol, verdict])).toEqual(
    SYMBOLS.map((symbol) => [symbol, "none"]),
  );
  expect(clean.code).toBe(0);

  const bundle = run("models", "logistic_SPX_h10");
  const features = readFileSync(join(bundle, "feature_names.txt"), "utf8").trim().split("\n");
  const columns = (what: string): string => `[${features.map((name) => `${what}("${name}")::DOUBLE`).join(", ")}]`;
  const [all] = await query(
    `SELECT ${columns("median")} AS median, ${columns("avg")} AS mean, ${columns("stddev_pop")} AS scale FROM '${at("data/datasets/SPX.parquet")}'`,
  );
  const scaler = JSON.stringify(all);
  const path = join(bundle, "manifest.json");
  const manifest = parseManifest(readFileSync(path, "utf8"), path);
  manifest.files["scaler.json"] = { sha256: sha256(scaler), bytes: Buffer.byteLength(scaler) };
  writeFileSync(join(bundle, "scaler.json"), scaler);
  writeFileSync(path, renderManifest(manifest));
  const planted = await audits("--symbol", "SPX");
  expect(planted.code).toBe(1);
  expect(planted.audits[0]!.findings).toMatchObject([
    { check: "scaling", verdict: "certain", split: "logistic_SPX_h10", evidence: { statistics_of: "all rows" } },
  ]);
});
