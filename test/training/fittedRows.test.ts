/** What the engine is handed in a real run: read from the very files that its jobs name, while they are there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeDemoData } from "../../src/data/demo/index.js";
import { openDataset } from "../../src/data/index.js";
import { createPool, type EnginePool } from "../../src/engine/index.js";
import { readNpy } from "../../src/files/index.js";
import { prepareConfigSchema, prepareDataset } from "../../src/prepare/index.js";
import { ModelTrainer } from "../../src/training/index.js";
import { planRows } from "../../src/training/rows.js";
import type { TimeSeriesDataContainer } from "../../src/types/index.js";

let folder: string;
let data: TimeSeriesDataContainer;
let workers: EnginePool;
const handed: { train: number[]; stop: number[]; weights: number[] }[] = [];

/** A pool that reads what a fit is handed before it passes the job on. */
function reading(pool: EnginePool): EnginePool {
  return {
    workers: pool.workers,
    threadsPerWorker: pool.threadsPerWorker,
    hello: (options) => pool.hello(options),
    warm: (models, count) => pool.warm(models, count),
    close: async () => {},
    run: (job, options) => {
      if (job.type === "fit") {
        handed.push({
          train: [...readNpy(job.rows.train, "<i4").data],
          stop: job.rows.stop === null ? [] : [...readNpy(job.rows.stop, "<i4").data],
          weights: job.weights === null ? [] : [...readNpy(job.weights, "<f4").data],
        });
      }
      return pool.run(job, options);
    },
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-rows-"));
  const input = await writeDemoData({ symbol: "MES", bars: 3000, bar: "5m", seed: 4, out: folder });
  const config = prepareConfigSchema.parse({ horizons: [5, 20], features: { timeframes: ["15m"] } });
  await prepareDataset({ input, symbol: "MES", config, barTime: "close", out: folder, layouts: ["series"] });
  data = await openDataset({
    symbol: "MES",
    horizon: 5,
    data: join(folder, "datasets"),
    store: join(folder, "store"),
  });
  workers = createPool({ workers: 1 });
  const trainer = new ModelTrainer({ runs: join(folder, "runs"), cwd: folder, pool: reading(workers) });
  const training = { num_boost_round: 5 };
  const { model } = await trainer.trainModel("xgboost", data, { embargo: 7, config: { training } });
  await model.close();
});
afterAll(async () => {
  await workers.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the rows that an engine is handed", () => {
  it("are those of the plan: training rows to fit, stop rows to stop, none of calibrate or test", () => {
    const plan = planRows(data.dataset, 7, null);
    expect(handed).toHaveLength(1);
    expect(handed[0]!.train).toEqual([...plan.train]);
    expect(handed[0]!.stop).toEqual([...plan.stop]);
  });

  it("have labels, at the longest horizon too, that end before the next part begins", () => {
    const { dataset } = data;
    const times = dataset.timestamps();
    const latest = (row: number): number =>
      Math.max(...dataset.manifest.horizons.map((h) => dataset.labelEnds(h)[row]!));
    const { train, stop } = handed[0]!;
    const val = times[dataset.manifest.parts.val.start]!;
    expect(Math.max(...train.map(latest))).toBeLessThan(val);
    expect(Math.min(...stop.map((row) => times[row]!))).toBeGreaterThanOrEqual(val);
    expect(Math.max(...stop.map(latest))).toBeLessThan(times[dataset.manifest.parts.test.start]!);
  });

  it("come with the dataset's weights, scaled to mean 1", () => {
    const { train, weights } = handed[0]!;
    const given = train.map((row) => data.dataset.weights(5)[row]!);
    const mean = given.reduce((sum, weight) => sum + weight, 0) / given.length;
    expect(new Set(given.map((weight) => weight.toFixed(4))).size).toBeGreaterThan(10);
    expect(weights).toHaveLength(train.length);
    weights.forEach((weight, i) => {
      expect(weight).toBeCloseTo(given[i]! / mean, 4);
    });
  });
});
