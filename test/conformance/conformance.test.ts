/**
 * One suite that every registered model passes, built-in or plug-in. A new model is a new line in `builtin.ts`, and this file
 * stays as it is. What a model cannot do by its nature it declares in its capabilities; nothing is skipped by name.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { createPool, type EnginePool, installedEngines } from "../../src/engine/index.js";
import { applyCalibrator, type Calibrator } from "../../src/evaluation/index.js";
import { loadModel } from "../../src/inference/index.js";
import { type ModelDefinition, missingPackages } from "../../src/models/index.js";
import { createModel, type TrainableModel } from "../../src/training/index.js";
import type { BaseModel, FeatureArray, PredictionOutput, TrainingMetrics } from "../../src/types/index.js";
import { CASES, type Case, PARTS } from "./cases.js";
import { FEATURES, head, permuted, type Sample, sample } from "./data.js";
import { storeSample } from "./store.js";

const train = sample({ rows: 800, seed: 1 });
const stop = sample({ rows: 300, seed: 2 });
const fresh = sample({ rows: 200, seed: 3 });

let pool: EnginePool;
let folder: string;
let count = 0;
const newFolder = (): string => join(folder, `out-${count++}`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-conformance-"));
  pool = createPool({ workers: 1 });
});
afterAll(async () => {
  for (const model of models) if ("dispose" in model && typeof model.dispose === "function") await model.dispose();
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
});

const models: BaseModel[] = [];

/** For what holds of a network from its first epochs on. */
const FEW_EPOCHS = { training: { max_epochs: 8 } };
/** Without end by patience, for weights to be heard. */
const NO_PATIENCE = { training: { patience: null, max_epochs: 25 } };

/** Where the engine of a sequence model is left out (`FOLDWISE_ENGINES=tabular`), its cases are skipped and counted. */
const { versions } = await installedEngines();
const available = ({ definition }: Case): boolean => missingPackages(definition, versions).length === 0;

const fitted = (model: BaseModel, rows: Sample = train, watch: Sample = stop, sampleWeights?: Float32Array) =>
  model.fit(rows.X, rows.y, watch.X, watch.y, sampleWeights === undefined ? {} : { sampleWeights });

/** Of the rows that were answered: of windows those at which one ends. */
function meanLoss({ probabilities: p, rows }: PredictionOutput, labels: Int8Array): number {
  const y = rows === undefined ? labels : Int8Array.from(rows, (row) => labels[row]!);
  return -y.reduce((sum, label, i) => sum + Math.log(Math.max(p[i * 3 + label + 1]!, 1e-15)), 0) / y.length;
}

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), a.length === b.length ? 0 : Number.NaN);

function expectProbabilities(p: Float32Array, rows: number): void {
  expect(p.length).toBe(rows * 3);
  const wrong = Array.from({ length: rows }, (_, row) => [...p.subarray(row * 3, row * 3 + 3)]).filter(
    (answer) => !(Math.min(...answer) >= 0 && Math.abs(answer.reduce((sum, each) => sum + each, 0) - 1) < 5e-6),
  );
  expect(wrong).toEqual([]);
}

/** Rounds or epochs without gain that end a fit, by the settings that it is made with. */
function patienceOf({ definition, config }: Case): number {
  if (typeof config.training?.patience === "number") return config.training.patience;
  const training = resolveTrainingConfig({ cwd: process.cwd(), flags: { seed: 7 } });
  const patience = resolveModelConfig(definition, { training, config }).training.early_stopping_rounds;
  if (typeof patience !== "number") throw new Error(`${definition.id} has no patience among its training settings.`);
  return patience;
}

/** What `fit` said of train and stop rows is what the bundle answers for them. */
async function expectLossesOf(model: BaseModel, metrics: TrainingMetrics, rows: Sample, watch: Sample): Promise<void> {
  const losses = async ({ X, y }: Sample): Promise<number> => meanLoss(await model.predict(X), y);
  expect(Math.abs(metrics.trainLoss - (await losses(rows)))).toBeLessThan(1e-5);
  expect(Math.abs(metrics.valLoss - (await losses(watch)))).toBeLessThan(1e-5);
}

for (const tested of CASES) {
  // A model whose engine is left out (FOLDWISE_ENGINES=tabular) cannot be fitted.
  describe.skipIf(!available(tested))(tested.name, () => {
    const { definition, config: base, seqLen } = tested;
    const { capabilities } = definition;
    const build = (_: ModelDefinition, config: Case["config"] = {}, seed = 7): BaseModel => {
      const merged = {
        model_params: { ...base.model_params, ...config.model_params },
        training: { ...base.training, ...config.training },
      };
      const parts = definition.kind === "ensemble" ? { parts: PARTS } : {};
      const made = createModel(definition.id, { pool, seed, config: merged, ...parts });
      models.push(made);
      return made;
    };
    /** Answers to `rows` rows. */
    const answers = (rows: number): number => rows - seqLen + 1;
    const few = capabilities.input === "sequence" ? FEW_EPOCHS : {};
    let model: BaseModel;
    let metrics: TrainingMetrics;

    beforeAll(async () => {
      model = build(definition);
      metrics = await fitted(model);
    });

    it("reports exactly the requirements' metrics, with real losses", () => {
      expect(Object.keys(metrics).sort()).toEqual([
        "bestEpoch",
        "earlyStopped",
        "totalEpochs",
        "trainAccuracy",
        "trainLoss",
        "trainingTime",
        "valAccuracy",
        "valLoss",
      ]);
      expect(metrics.trainLoss).toBeGreaterThan(0);
      expect(metrics.valLoss).toBeGreaterThan(0);
      expect(metrics.valAccuracy).toBeGreaterThan(0.2);
      expect(metrics.trainingTime).toBeGreaterThan(0);
      if (!capabilities.earlyStopping)
        expect(metrics).toMatchObject({ bestEpoch: 0, totalEpochs: 1, earlyStopped: false });
    });

    it("reports the losses of what it serves, on train and on stop rows", async () => {
      await expectLossesOf(model, metrics, train, stop);
    });

    it("predicts (N, 3) probabilities that sum to 1, the likeliest class, and its probability", async () => {
      const { predictions, probabilities, confidence } = await model.predict(fresh.X);
      expectProbabilities(probabilities, answers(200));
      const own = (row: number): Float32Array => probabilities.subarray(row * 3, row * 3 + 3);
      expect(confidence).toEqual(Float32Array.from(confidence, (_, row) => Math.max(...own(row))));
      expect(confidence).toEqual(Float32Array.from(predictions, (label, row) => own(row)[label + 1]!));
    });

    it("predicts again what it predicted, after saving and loading", async () => {
      const dir = newFolder();
      await model.save(dir);
      const before = await model.predict(fresh.X);
      const after = await (await loadModel(dir)).predict(fresh.X);
      expect(largestDifference(before.probabilities, after.probabilities)).toBe(0);
      expect(after.predictions).toEqual(before.predictions);
    });

    it("gives the same predictions for the same data, configuration and seed", async () => {
      const again = build(definition);
      await fitted(again);
      const [a, b] = [await model.predict(fresh.X), await again.predict(fresh.X)];
      expect(largestDifference(a.probabilities, b.probabilities)).toBe(0);
    });

    it("answers one row as it answers it among many", async () => {
      const all = await model.predict(fresh.X);
      const one = await model.predict(head(fresh, seqLen).X);
      expect(largestDifference(one.probabilities, all.probabilities.slice(0, 3))).toBeLessThan(1e-6);
    });

    it("learns from sample weights", async () => {
      const weights = Float32Array.from(train.y, (label) => (label === 1 ? 25 : 1));
      // Epochs are few steps, and the first is the best for the unweighted stop rows: the weights would not have been heard yet.
      const heard = capabilities.input === "sequence" ? NO_PATIENCE : {};
      const weighted = build(definition, heard);
      await fitted(weighted, train, stop, weights);
      const mean = async (of: BaseModel): Promise<number> => {
        const { probabilities } = await of.predict(fresh.X);
        return probabilities.reduce((sum, p, i) => sum + (i % 3 === 2 ? p : 0), 0) / answers(200);
      };
      if (definition.kind === "ensemble") {
        // Its bases hear them; what it learns to combine on may hold the classes in their true shares again.
        const [a, b] = [await weighted.predict(fresh.X), await model.predict(fresh.X)];
        expect(largestDifference(a.probabilities, b.probabilities)).toBeGreaterThan(0.05);
        return;
      }
      expect(await mean(weighted)).toBeGreaterThan((await mean(model)) + 0.05);
    });

    it("does not care by what factor all weights are multiplied", async () => {
      const weights = Float32Array.from(train.y, (_, row) => 0.5 + (row % 7));
      const [a, b] = [build(definition, few), build(definition, few)];
      await fitted(a, train, stop, weights);
      await fitted(
        b,
        train,
        stop,
        weights.map((weight) => weight * 64),
      );
      const [pa, pb] = [await a.predict(fresh.X), await b.predict(fresh.X)];
      expect(largestDifference(pa.probabilities, pb.probabilities)).toBeLessThan(1e-5);
    });

    it("stops early where it has rounds: at the best round plus patience, before the limit", () => {
      if (!capabilities.earlyStopping) {
        expect(metrics.earlyStopped).toBe(false);
        return;
      }
      expect(metrics.earlyStopped).toBe(true);
      expect(metrics.bestEpoch).toBeGreaterThanOrEqual(1);
      expect(metrics.totalEpochs).toBe(metrics.bestEpoch + patienceOf(tested));
    });

    it("takes missing values, a constant column and a column that is all missing, also when predicting", async () => {
      const holes: FeatureArray = {
        ...fresh.X,
        data: fresh.X.data.map((value, i) => (i % 3 === 0 ? Number.NaN : value)),
      };
      expectProbabilities((await model.predict(holes)).probabilities, answers(200));
    });

    it("gives a class that training lacks a probability of exactly zero, and the columns their places", async () => {
      const lacking = sample({ rows: 400, seed: 5, classes: [-1, 1] });
      const narrow = build(definition, few);
      const narrowMetrics = await fitted(narrow, lacking, stop);
      expect(Number.isFinite(narrowMetrics.valLoss)).toBe(true);
      const { probabilities } = await narrow.predict(fresh.X);
      expectProbabilities(probabilities, answers(200));
      expect(probabilities.filter((p, i) => i % 3 === 1 && p !== 0)).toHaveLength(0);
      const dir = newFolder();
      await narrow.save(dir);
      expect(largestDifference((await (await loadModel(dir)).predict(fresh.X)).probabilities, probabilities)).toBe(0);
    });

    it("refuses training rows of a single class", async () => {
      const single = { X: train.X, y: new Int8Array(train.y.length) };
      await expect(fitted(build(definition), single)).rejects.toMatchObject({ code: "data.one_class" });
    });

    it("refuses an array whose columns stand in another order, lack one or have one too many", async () => {
      await expect(model.predict(permuted(fresh.X))).rejects.toMatchObject({ code: "bundle.features_reordered" });
      const names = [...FEATURES.slice(0, -1), "unheard_of"];
      await expect(model.predict({ ...fresh.X, featureNames: names })).rejects.toMatchObject({
        code: "bundle.features_differ",
        message: expect.stringContaining("unheard_of"),
      });
    });

    it("undoes the prior shift of balanced class weights, where it offers them", async () => {
      if (!("class_weight" in definition.training.shape)) {
        expect(() => build(definition, { training: { class_weight: "balanced" } })).toThrow(/class_weight/);
        return;
      }
      const skewed = sample({ rows: 800, seed: 8 });
      const y = skewed.y.map((label, row) => (label === 1 && row % 4 !== 0 ? 0 : label));
      const [plain, balanced] = [build(definition), build(definition, { training: { class_weight: "balanced" } })];
      const rows = { X: skewed.X, y };
      const watch = { X: stop.X, y: stop.y.map((label, row) => (label === 1 && row % 4 !== 0 ? 0 : label)) };
      await fitted(plain, rows, watch);
      await expectLossesOf(balanced, await fitted(balanced, rows, watch), rows, watch);
      const share = async (of: BaseModel): Promise<number> => {
        const { probabilities } = await of.predict(skewed.X);
        return probabilities.reduce((sum, p, i) => sum + (i % 3 === 2 ? p : 0), 0) / answers(800);
      };
      const truth = y.filter((label) => label === 1).length / 800;
      expect(await share(balanced)).toBeCloseTo(await share(plain), 1);
      expect(Math.abs((await share(balanced)) - truth)).toBeLessThan(0.05);
    });

    it("fits on read-only memory maps of a stored dataset, as it does on arrays", async () => {
      const stored = await storeSample(join(folder, `store-${definition.id}`), train, stop);
      chmodSync(stored.dataset.dir, 0o555);
      const mapped = build(definition);
      await mapped.fit(stored.XTrain, train.y, stored.XStop, stop.y);
      const [a, b] = [await mapped.predict(fresh.X), await model.predict(fresh.X)];
      expect(largestDifference(a.probabilities, b.probabilities)).toBe(0);
    });

    it("serves what its calibrator's formula makes of its answers, saved and loaded too", async () => {
      const own = model as TrainableModel;
      const calibrator: Calibrator = { kind: "vector", scale: [0.4, 0.6, 0.5], bias: [0.2, -0.1, 0] };
      if (!own.calibrates) {
        await expect(own.calibrate(calibrator)).rejects.toMatchObject({ code: "config.calibration" });
        return;
      }
      const raw = (await own.predict(fresh.X)).probabilities;
      await own.calibrate(calibrator);
      const { probabilities } = await own.predict(fresh.X);
      expectProbabilities(probabilities, answers(200));
      const expected = Float32Array.from(applyCalibrator(calibrator, raw));
      expect(largestDifference(probabilities, expected)).toBeLessThan(1e-5);
      const dir = newFolder();
      await own.save(dir);
      expect(largestDifference((await (await loadModel(dir)).predict(fresh.X)).probabilities, probabilities)).toBe(0);
      await own.calibrate({ kind: "none" });
      expect(largestDifference((await own.predict(fresh.X)).probabilities, raw)).toBe(0);
    });

    it("beats the class shares of its training rows on fresh rows that hold its signal", async () => {
      const answer = await model.predict(fresh.X);
      const shares = [-1, 0, 1].map((label) => train.y.filter((value) => value === label).length / train.y.length);
      const prior = { ...answer, probabilities: Float32Array.from(answer.probabilities, (_, i) => shares[i % 3]!) };
      // A plug-in need not be good, only better than nothing.
      const margin = definition.family === "plugin" ? 0 : 0.1;
      expect(meanLoss(answer, fresh.y)).toBeLessThan(meanLoss(prior, fresh.y) - margin);
    });
  });
}
