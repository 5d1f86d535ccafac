/** Voting, stacking and blending through the built command: bases fitted once, bundles that hold them, figures nobody has learned from. */
import { cpSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/artifacts/index.js";
import { openDataset } from "../../src/data/index.js";
import { loadModel, openBase, StreamingPredictor } from "../../src/inference/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import type { FeatureArray } from "../../src/types/index.js";
import { foldwise, ROOT } from "./cli.js";
import { largestDifference, predictionsOf, preparedFolder, query, readJson, succeeds } from "./fixture.js";
import { warm, warmSucceeds } from "./warm.js";

const IDS = ["voting", "stacking", "blending"];
const BASES = ["logistic", "random_forest", "lightgbm"];
const SMALL = [
  ...IDS.map((id) => `models.${id}.model_params.bases=[${BASES.join(",")}]`),
  "models.stacking.model_params.folds=2",
  "models.random_forest.model_params.n_estimators=10",
  "training.boosting.num_boost_round=15",
].flatMap((setting) => ["--set", setting]);
const GRID = ["--symbol", "MES", "--horizon", "5", "--json"];

let cwd: string;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const bundleOf = (run: string, model: string): string => join(runDir(run), "models", `${model}_MES_h5`);
const reportOf = (run: string, model: string): Report =>
  reportSchema.parse(readJson(join(runDir(run), "reports", `${model}_MES_h5_report.json`)));
const train = (...more: string[]): string[] => ["train", ...GRID, ...SMALL, ...more];
let notices: string[];

beforeAll(async () => {
  cwd = await preparedFolder();
  await succeeds(train("--model", [...IDS, "logistic"].join(","), "--run-id", "first", "--calibration", "none"), {
    cwd,
  });
  const second = train("--model", "voting", "--run-id", "second", "--calibration", "temperature", "--no-test");
  const { events } = await succeeds([...second, "--set", "model_params.weights=[1,0,3]"], { cwd });
  notices = events.filter(({ event }) => event === "notice").map(({ message }) => String(message));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Some rows of the dataset, and what they are called. */
async function someRows(): Promise<FeatureArray> {
  const { test } = await openDataset({
    symbol: "MES",
    horizon: 5,
    data: join(cwd, "data", "datasets"),
    store: join(cwd, ".foldwise", "datasets"),
  });
  const rows = 50;
  return {
    data: await test.X.read(0, rows),
    shape: [rows, test.X.featureNames.length],
    featureNames: test.X.featureNames,
  };
}

describe("bases", () => {
  it("are fitted once: by a job of the run, or for all its ensembles", () => {
    for (const id of IDS) {
      expect(reportOf("first", id).ensemble?.bases.map(({ model, source }) => [model, source])).toEqual([
        ["logistic", "job of this run"],
        ["random_forest", "fitted for this run's ensembles"],
        ["lightgbm", "fitted for this run's ensembles"],
      ]);
    }
    expect(existsSync(join(runDir("first"), "bases", "lightgbm_MES_h5", "model.onnx"))).toBe(true);
  });

  it("are taken from an earlier run that has the same fit, which is said", async () => {
    expect(notices.filter((text) => text.includes("the same fit"))).toHaveLength(3);
    expect(reportOf("second", "voting").ensemble?.bases.map(({ source }) => source)).toEqual(
      BASES.map(() => "run first"),
    );
    const [a, b] = await Promise.all(["first", "second"].map((run) => readBundle(bundleOf(run, "voting"))));
    expect(b!.manifest.ensemble?.bases).toEqual(a!.manifest.ensemble?.bases);
  });
});

describe.each(IDS)("the bundle of %s", (id) => {
  it("is what was measured, also moved to another folder", async () => {
    const moved = join(cwd, "elsewhere", id);
    cpSync(bundleOf("first", id), moved, { recursive: true });
    rmSync(join(cwd, "predicted.parquet"), { force: true });
    const data = ["--data", "data/datasets/MES.parquet", "--out", "predicted.parquet"];
    await warmSucceeds(["predict", "--model-dir", moved, ...data, "--quiet"], { cwd });
    const measured = join(cwd, "test.parquet");
    const { duck } = await import("./refusal.js");
    await duck(
      `COPY (SELECT * FROM '${join(runDir("first"), "predictions", `${id}_MES_h5.parquet`)}' WHERE part = 'test') TO '${measured}' (FORMAT parquet)`,
    );
    const { rows, difference } = await largestDifference(measured, join(cwd, "predicted.parquet"));
    expect(rows).toBeGreaterThan(300);
    expect(difference).toBeLessThan(1e-6);
    const decided = ["set_short", "set_neutral", "set_long", "signal"];
    const [same] = await query(
      `SELECT count(a.set_long)::INT AS sets, count(*) FILTER (${decided.map((name) => `a.${name} IS DISTINCT FROM b.${name}`).join(" OR ")})::INT AS others
       FROM '${measured}' a JOIN '${join(cwd, "predicted.parquet")}' b USING (timestamp)`,
    );
    expect(same).toEqual({ sets: rows, others: 0 });
    expect(reportOf("first", id).decision!.test!.sets!.coverage).toBeGreaterThan(0.8);
  });

  it("names the base that is missing, and refuses one that was exchanged", async () => {
    const broken = join(cwd, "broken", id);
    cpSync(bundleOf("first", id), broken, { recursive: true });
    renameSync(join(broken, "bases", "lightgbm"), join(cwd, "broken", `${id}-lightgbm`));
    await expect(loadModel(broken)).rejects.toMatchObject({
      code: "bundle.base_missing",
      message: expect.stringMatching(/lightgbm/),
    });
    const { code, stderr } = await warm(
      ["predict", "--model-dir", broken, "--data", "data/datasets/MES.parquet", "--out", "x.csv"],
      { cwd },
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/lightgbm, a part of the ensemble/);
    cpSync(join(broken, "bases", "logistic"), join(broken, "bases", "lightgbm"), { recursive: true });
    await expect(loadModel(broken)).rejects.toMatchObject({ code: "bundle.hash_mismatch" });
  });

  it("answers a row, many rows and a stream alike", async () => {
    const model = await loadModel(bundleOf("first", id));
    const X = await someRows();
    const { probabilities } = await model.predict(X);
    const width = X.featureNames.length;
    const stream = new StreamingPredictor(model);
    for (const row of [0, 7, 49]) {
      const values = X.data.slice(row * width, (row + 1) * width);
      const expected = probabilities.subarray(3 * row, 3 * row + 3);
      for (const p of [
        await model.predictRow(values),
        (await stream.push({ timestamp: row, row: values })).probabilities,
      ])
        for (const k of [0, 1, 2]) expect(p![k]).toBeCloseTo(expected[k]!, 6);
    }
    await model.close();
  });

  it("is reported with weights, errors that go together, and what each base adds", () => {
    const { ensemble, family } = reportOf("first", id);
    expect(family).toBe("ensemble");
    expect(ensemble?.learned_on).toBe(id === "stacking" ? "out-of-fold" : "calibrate");
    expect(ensemble?.error_correlation.map((row, b) => row[b])).toEqual([1, 1, 1]);
    const numbers = ensemble!.bases.map(({ weight, coefficients }) => weight ?? coefficients![0]!);
    if (id === "voting") expect(numbers.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
    expect(ensemble!.bases.every(({ adds }) => typeof adds === "number")).toBe(true);
  });
});

describe("voting with given weights", () => {
  it("is the weighted mean of its bases' answers before their calibrators, then calibrated", async () => {
    const bundle = await readBundle(bundleOf("second", "voting"));
    const { calibrator } = bundle.manifest;
    expect(calibrator?.kind).toBe("temperature");
    const X = await someRows();
    const answers = await Promise.all(
      ["logistic", "lightgbm"].map(async (name) => {
        const base = await openBase(join(bundle.dir, "bases", name));
        const { probabilities } = await base.predict(X);
        await base.close();
        return probabilities;
      }),
    );
    const model = await loadModel(bundle.dir);
    const { probabilities } = await model.predict(X);
    await model.close();
    const power = calibrator!.slope[0];
    for (let row = 0; row < 50; row += 1) {
      const raw = [0, 1, 2].map((k) => (answers[0]![3 * row + k]! + 3 * answers[1]![3 * row + k]!) / 4);
      const heated = raw.map((p) => p ** power);
      const sum = heated.reduce((total, p) => total + p, 0);
      for (const [k, p] of heated.entries()) expect(probabilities[3 * row + k]).toBeCloseTo(p / sum, 5);
    }
  });
});

describe("voting among all models of a run", () => {
  it("names them in its configuration, and chooses among them greedily", async () => {
    const greedy = ["bases=all", "weights=greedy"].map((setting) => `models.voting.model_params.${setting}`);
    const sets = [...greedy, "models.random_forest.model_params.n_estimators=10"].flatMap((set) => ["--set", set]);
    const models = ["--model", "voting,random_forest,logistic"];
    await succeeds(["train", ...GRID, ...models, ...sets, "--run-id", "greedy", "--no-test"], { cwd });
    const { configuration, ensemble } = reportOf("greedy", "voting");
    expect(configuration.model_params.bases).toEqual(["random_forest", "logistic"]);
    expect(ensemble?.reason).toBeNull();
    expect(ensemble!.bases.reduce((sum, { weight }) => sum + weight!, 0)).toBeCloseTo(1, 9);
  });
});

describe("figures of calibrate rows", () => {
  it.each(["voting", "blending"])("of %s are not those of the fit that has learned from them", async (id) => {
    const rows = (await predictionsOf(runDir("first"), `${id}_MES_h5`)).filter(({ part }) => part === "val_calibrate");
    const model = await loadModel(bundleOf("first", id));
    const data = await openDataset({
      symbol: "MES",
      horizon: 5,
      data: join(cwd, "data", "datasets"),
      store: join(cwd, ".foldwise", "datasets"),
    });
    const features = data.featureNames;
    const served = await model.predict({
      data: await data.dataset.readRows(Int32Array.from(rows, ({ row }) => Number(row))),
      shape: [rows.length, features.length],
      featureNames: features,
    });
    await model.close();
    const differs = rows.filter(({ p_long }, i) => Math.abs(Number(p_long) - served.probabilities[3 * i + 2]!) > 1e-6);
    const learned = reportOf("first", id).ensemble!.reason === null;
    expect(differs.length > 0.9 * rows.length).toBe(learned);
    expect(learned).toBe(true);
  });
});

describe("cross-validation", () => {
  it("nests: every fold fits its own bases, meta-learner and weights", async () => {
    const args = ["cv", ...GRID, ...SMALL, "--model", "voting,stacking", "--folds", "2", "--run-id", "nested"];
    await succeeds(args, { cwd });
    for (const id of ["voting", "stacking"]) {
      const report = readJson(join(runDir("nested"), "reports", `${id}_MES_h5_cv.json`)) as {
        folds: { stop: unknown }[];
      };
      expect(report.folds).toHaveLength(2);
      expect(report.folds.every(({ stop }) => stop !== null)).toBe(true);
      expect(existsSync(join(runDir("nested"), "oof", `${id}_MES_h5.parquet`))).toBe(true);
    }
  });
});

describe("what cannot be combined is refused before any fit", () => {
  it.each([
    ["one base", ["bases=[logistic]"], /one model, logistic; it needs two/],
    ["a base named twice", ["bases=[logistic,logistic]"], /names logistic twice/],
    ["a base that is no model", ["bases=[logistc,svm]"], /no model.*[Dd]id you mean "?logistic/s],
    ["an ensemble of an ensemble", ["bases=[stacking,svm]"], /itself an ensemble/],
    ["weights that are all zero", ["bases=[logistic,svm]", "weights=[0,0]"], /all zero/],
    ["weights for other bases", ["bases=[logistic,svm]", "weights=[1,2,3]"], /one number for each of bases/],
    ["a negative weight", ["bases=[logistic,svm]", "weights=[1,-2]"], /weights/],
  ])("%s", async (_, settings, message) => {
    const sets = settings.flatMap((setting) => ["--set", `model_params.${setting}`]);
    const { code, events } = await warm(["train", "--model", "voting", ...GRID, ...sets], { cwd });
    expect(code).toBe(2);
    expect(JSON.stringify(events).replaceAll('\\"', '"')).toMatch(message);
    expect(events.some(({ stage }) => stage === "fit")).toBe(false);
  });

  it("features for a meta-learner that sees none", async () => {
    const args = ["train", "--model", "blending", ...GRID, "--set", "model_params.passthrough=[rsi_14]"];
    const { code, events } = await warm(args, { cwd });
    expect(code).toBe(2);
    expect(JSON.stringify(events)).toMatch(/sees no features/);
  });
});

describe("a base that cannot be fitted", () => {
  const plugin = join(ROOT, "test", "fixtures", "plugins", "misbehaves.mjs");
  const broken = (...more: string[]): string[] => [
    ...["train", "--model", "voting", ...GRID, "--plugin", plugin, "--set", "models.misbehaves.model_params.how=raise"],
    ...["--set", "models.voting.model_params.bases=[logistic,random_forest,misbehaves]"],
    ...["--set", "models.random_forest.model_params.n_estimators=10", ...more],
  ];

  it("ends the fit, and is named", async () => {
    const { code, events } = await foldwise(broken("--run-id", "failing"), { cwd });
    expect(code).not.toBe(0);
    expect(JSON.stringify(events)).toMatch(/The base misbehaves/);
  });

  it("is left out where the configuration wants that, and the report says so", async () => {
    await succeeds(broken("--run-id", "dropped", "--set", "model_params.on_base_failure=drop"), { cwd });
    expect(reportOf("dropped", "voting").ensemble?.dropped).toMatchObject([{ model: "misbehaves" }]);
  });
});

describe("a meta-learner with an engine", () => {
  it("sees the bases' answers and chosen features, in one layer or two", async () => {
    const sets = [
      ...["meta_learner=logistic", "passthrough=[rsi_14]"].map((each) => `models.blending.model_params.${each}`),
      "models.stacking.model_params.second_layer=[logistic,lightgbm]",
    ].flatMap((each) => ["--set", each]);
    await succeeds(train("--model", "blending,stacking", "--run-id", "meta", ...sets), { cwd });
    const bundle = await readBundle(bundleOf("meta", "blending"));
    expect(bundle.manifest.ensemble).toMatchObject({
      combiner: { kind: "model" },
      layer: [{ name: "logistic" }],
      passthrough: ["rsi_14"],
    });
    expect(bundle.parts.layer.logistic?.manifest.features).toEqual([
      ...BASES.flatMap((base) => [`${base}_log_short`, `${base}_log_long`]),
      "rsi_14",
    ]);
    expect((await readBundle(bundleOf("meta", "stacking"))).manifest.ensemble).toMatchObject({
      combiner: { kind: "shrunk_logistic" },
      layer: [{ name: "logistic" }, { name: "lightgbm" }],
    });
  });
});

describe("the audit of a run of ensembles", () => {
  it("finds nothing", async () => {
    const { stdout } = await warmSucceeds(["audit", "first"], { cwd });
    expect(stdout).toMatch(/NONE FOUND/);
  });
});
