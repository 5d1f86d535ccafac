/** Bars that come when a volume is traded, not when a minute is over: prepared, trained and served like others. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../../src/types/index.js";
import { type CliResult, emptyFolder, foldwise } from "./cli.js";
import { largestDifference, readJson, succeeds } from "./fixture.js";
import { expectRefusal } from "./refusal.js";

const ROWS = 2500;
let cwd: string;
let prepared: CliResult;

/** Close stamps a few seconds to a few minutes apart, to the millisecond, each bar of the same volume. */
function volumeBars(): string {
  const random = seededRandom(11);
  const lines = ["timestamp,open,high,low,close,volume"];
  let [moment, price] = [Date.UTC(2024, 0, 2, 9), 100];
  for (let i = 0; i < ROWS; i++) {
    moment += 4000 + Math.floor(300_000 * random.next() ** 3);
    const open = price;
    price *= Math.exp(0.002 * random.normal());
    const [high, low] = [Math.max(open, price) * 1.0004, Math.min(open, price) * 0.9996];
    lines.push([new Date(moment).toISOString(), open, high, low, price, 5000].join(","));
  }
  return `${lines.join("\n")}\n`;
}

beforeAll(async () => {
  cwd = emptyFolder();
  writeFileSync(join(cwd, "ticks.csv"), volumeBars());
  const args = ["ticks.csv", "--symbol", "VOL", "--bar-time", "close", "--horizons", "5,20"];
  prepared = await succeeds(["prepare", ...args], { cwd });
  const train = ["train", "--model", "lightgbm", "--symbol", "VOL", "--horizon", "20", "--no-test", "--run-id", "r"];
  await succeeds(train, { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("prepare says that the bars have no length, and leaves out what needs a clock, by name", () => {
  expect(prepared.stdout).toMatch(/2.500 bars of no regular length/);
  expect(prepared.stdout).toMatch(/clock features need bars of a regular step: minute_sin, .*hour_sin/);
  const meta = readJson(join(cwd, "data", "datasets", "VOL.meta.json")) as {
    pipeline: { step: number | null; features: { names: string[] } };
  };
  expect(meta.pipeline.step).toBeNull();
  const { names } = meta.pipeline.features;
  expect(names.length).toBeGreaterThan(50);
  expect(names.filter((name) => /^(minute|hour|day)_|^\d+[mhd]_/.test(name))).toEqual([]);
});

it("predict --bars answers what it answers for the prepared rows (1e-5)", async () => {
  const predict = ["predict", "--model-dir", "experiments/runs/r/models/lightgbm_VOL_h20"];
  await succeeds([...predict, "--data", "data/datasets/VOL.parquet", "--out", "rows.parquet"], { cwd });
  await succeeds([...predict, "--bars", "ticks.csv", "--out", "bars.parquet"], { cwd });
  const { rows, difference } = await largestDifference(join(cwd, "rows.parquet"), join(cwd, "bars.parquet"));
  expect(rows).toBeGreaterThan(2000);
  expect(difference).toBeLessThanOrEqual(1e-5);
});

it("open stamps are refused: there is no length by which to shift them", async () => {
  const args = ["prepare", "ticks.csv", "--symbol", "V", "--bar-time", "open", "--out", "open"];
  expectRefusal(await foldwise(args, { cwd }), [/no difference makes up half/, /--bar-time close/]);
});
