/**
 * Nobody can beat what the generator's hidden state says. A model whose test log-loss lies below it has seen the future: this is
 * the end-to-end test for leaks, through the built command, on the same rows.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Attainable, attainable } from "../../bench/attainable.js";
import { blockStandardError, meanOf } from "../../bench/lib/blocks.js";
import { foldwise } from "./cli.js";

const DEMO = { symbol: "MES", bars: 12_000, bar: "5m", seed: 11 };
const HORIZONS = [5, 10, 15, 20];
const MODELS = ["xgboost", "logistic"];
/** Test rows compared, evenly spaced. */
const ROWS = 400;
const PATHS = 300;
const BAR_MICROS = 300_000_000;
/** Bars; several times the reach of a label. */
const BLOCK = 100;

interface TestRow {
  stamp: number;
  loss: number;
}

let cwd: string;
let runDir: string;
let best: Map<number, Attainable>;
let stamps: number[];

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "foldwise-attainable-"));
  const { symbol, bars, bar, seed } = DEMO;
  await ok([
    "demo-data",
    "--symbol",
    symbol,
    "--bars",
    String(bars),
    "--bar",
    bar,
    "--seed",
    String(seed),
    "--out",
    "bars.csv",
  ]);
  await ok(["prepare", "bars.csv", "--symbol", symbol, "--bar-time", "close"]);
  const { events } = await ok([
    "train",
    "--symbol",
    symbol,
    "--model",
    MODELS.join(","),
    "--horizon",
    HORIZONS.join(","),
    "--json",
  ]);
  runDir = String(events.at(-1)?.run_dir);
  const all = (await testRows("xgboost", 20)).map(({ stamp }) => stamp);
  stamps = Array.from({ length: ROWS }, (_, i) => all[Math.floor(((i + 0.5) * all.length) / ROWS)]!);
  const results = attainable({ ...DEMO, horizons: HORIZONS, paths: PATHS, at: Float64Array.from(stamps) });
  best = new Map(results.map((result) => [result.horizon, result]));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

async function ok(args: string[]) {
  const result = await foldwise(args, { cwd });
  expect(result.code, result.stderr).toBe(0);
  return result;
}

/** Test rows of a predictions file: stamp in microseconds and log-loss. */
async function testRows(model: string, horizon: number): Promise<TestRow[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const file = join(runDir, "predictions", `${model}_${DEMO.symbol}_h${horizon}.parquet`);
  const reader = await connection.runAndReadAll(
    `SELECT epoch_us(timestamp)::DOUBLE AS stamp, label, p_short, p_neutral, p_long
     FROM read_parquet(?) WHERE part = 'test' ORDER BY row`,
    [file],
  );
  const rows = reader.getRows().map(([stamp, label, ...p]) => ({
    stamp: Number(stamp),
    loss: -Math.log(Math.max(Number(p[Number(label) + 1]), 1e-15)),
  }));
  connection.closeSync();
  instance.closeSync();
  return rows;
}

describe.each(HORIZONS)("at horizon %i", (horizon) => {
  it.each(MODELS)("%s is not better than the hidden state allows, by three standard errors", async (model) => {
    const wanted = new Set(stamps);
    const losses = (await testRows(model, horizon)).filter(({ stamp }) => wanted.has(stamp)).map(({ loss }) => loss);
    const limit = best.get(horizon)!.losses;
    expect(losses.length).toBe(limit.length);
    const bars = stamps.map((stamp) => stamp / BAR_MICROS);
    const difference = Float64Array.from(losses, (loss, i) => loss - limit[i]!);
    expect(meanOf(difference)).toBeGreaterThan(-3 * blockStandardError(difference, bars, BLOCK));
  });
});
