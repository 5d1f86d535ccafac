/** The library as the design shows it, from the built package, in a working folder with prepared data. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Foldwise from "../../src/index.js";
import { ROOT } from "./cli.js";
import { preparedFolder } from "./fixture.js";

let cwd: string;
let foldwise: typeof Foldwise;
let data: Foldwise.TimeSeriesDataContainer;
let trainer: Foldwise.ModelTrainer;
const before = process.cwd();
beforeAll(async () => {
  cwd = await preparedFolder();
  process.chdir(cwd);
  foldwise = await import(pathToFileURL(join(ROOT, "dist", "index.js")).href);
  data = await foldwise.openDataset({ symbol: "MES", horizon: 20 });
  trainer = new foldwise.ModelTrainer();
});
afterAll(async () => {
  await trainer.close();
  process.chdir(before);
  rmSync(cwd, { recursive: true, force: true });
});

describe("openDataset", () => {
  it("gives the requirements' container: train, val, test with X, y, w, and what they are", () => {
    expect(data).toMatchObject({ symbol: "MES", horizon: 20, seqLen: null });
    expect(data.featureNames).toHaveLength(27);
    for (const part of [data.train, data.val, data.test]) {
      expect(part.X.shape).toEqual([part.y.length, 27]);
      expect(part.w).toHaveLength(part.y.length);
      expect(new Set(part.y)).toEqual(new Set([-1, 0, 1]));
    }
  });

  it("reads what is asked for", async () => {
    const rows = await data.val.X.read(3, 5);
    expect(rows).toHaveLength(2 * 27);
    expect(rows).toEqual((await data.val.X.read()).slice(3 * 27, 5 * 27));
  });

  it("refuses a horizon that the data lack, with those that there are", async () => {
    await expect(foldwise.openDataset({ symbol: "MES", horizon: 7 })).rejects.toMatchObject({
      message: expect.stringMatching(/horizon 7/),
      remedy: expect.stringMatching(/5, 20/),
    });
  });
});

describe("the example of the design", () => {
  let trained: Foldwise.TrainedModel;
  const progress: Foldwise.FitProgress[] = [];
  beforeAll(async () => {
    trained = await trainer.trainModel("xgboost", data, {
      config: { training: { num_boost_round: 40 } },
      onProgress: (step) => progress.push(step),
    });
  });

  it("trains: TrainingMetrics has exactly the requirements' fields", () => {
    expect(Object.keys(trained.metrics).sort()).toEqual(
      [
        "bestEpoch",
        "earlyStopped",
        "totalEpochs",
        "trainAccuracy",
        "trainLoss",
        "trainingTime",
        "valAccuracy",
        "valLoss",
      ].sort(),
    );
    expect(trained.metrics).toMatchObject({ totalEpochs: 40, earlyStopped: false });
    expect(progress.at(-1)).toMatchObject({ step: 40, total: 40 });
    expect(trained.report.configuration.training).toMatchObject({ num_boost_round: 40 });
    expect(existsSync(join(trained.runDir, "run.json"))).toBe(true);
  });

  it("predicts: PredictionOutput has the requirements' fields, and signals beside them", async () => {
    const output = await trained.model.predict(data.test.X);
    // Sets are there, too, where labels are not as few as here.
    expect(Object.keys(output).sort()).toEqual(["confidence", "predictions", "probabilities", "signals"]);
    const n = data.test.y.length;
    expect([output.predictions.length, output.probabilities.length, output.confidence.length]).toEqual([n, 3 * n, n]);
    expect(output.predictions).toBeInstanceOf(Int8Array);
    for (let i = 0; i < n; i += 1) {
      const p = [...output.probabilities.subarray(3 * i, 3 * i + 3)];
      expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      expect(output.confidence[i]).toBe(Math.max(...p));
      expect(output.predictions[i]).toBe(p.indexOf(Math.max(...p)) - 1);
    }
  });

  it("saves, and loads in plain Node what answers the same", async () => {
    await trained.model.save("bundles/mes_h20");
    const served = await foldwise.loadModel("bundles/mes_h20");
    expect(await served.predict(data.test.X)).toEqual(await trained.model.predict(data.test.X));
    const row = await data.test.X.read(0, 1);
    expect(await served.predictRow(row)).toEqual((await served.predict(data.test.X)).probabilities.slice(0, 3));
    await served.close();
  });

  it("refuses an array whose features stand in another order", async () => {
    const featureNames = [...data.featureNames].reverse();
    const X = { data: new Float32Array(27), shape: [1, 27] as const, featureNames };
    await expect(trained.model.predict(X)).rejects.toMatchObject({ code: "bundle.features_reordered" });
  });
});

describe("an AbortSignal", () => {
  it("ends trainModel in the middle of a fit, and the trainer goes on to the next", async () => {
    const abort = new AbortController();
    const aborted = trainer.trainModel("xgboost", data, {
      config: { training: { num_boost_round: 50_000, early_stopping_rounds: null } },
      runId: "aborted",
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ exitCode: 130, code: expect.stringMatching(/^interrupted\./) });
    expect(foldwise.Run.open("experiments/runs", "aborted").file).toMatchObject({
      status: "interrupted",
      process: null,
    });
    const { metrics } = await trainer.trainModel("logistic", data, { noTest: true });
    expect(metrics.valLoss).toBeGreaterThan(0);
  });

  it("that has fired before starts nothing", async () => {
    const signal = AbortSignal.abort();
    await expect(trainer.trainModel("logistic", data, { signal, runId: "never" })).rejects.toMatchObject({
      exitCode: 130,
    });
    expect(existsSync("experiments/runs/never")).toBe(false);
  });
});

describe("trainModel refuses", () => {
  it("an unknown model, with the nearest name", async () => {
    await expect(trainer.trainModel("logistics", data)).rejects.toMatchObject({
      code: "model.unknown",
      message: expect.stringMatching(/logistic/),
    });
  });

  it("an unknown parameter, with the nearest name", async () => {
    const config = { model_params: { max_dept: 3 } };
    await expect(trainer.trainModel("xgboost", data, { config })).rejects.toMatchObject({
      code: expect.stringMatching(/^config\./),
      message: expect.stringMatching(/max_depth/),
    });
  });
});
