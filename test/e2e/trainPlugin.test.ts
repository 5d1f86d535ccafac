/** The example plug-ins are listed, trained and served by the built command, like any other model. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/artifacts/index.js";
import { reportSchema } from "../../src/report/index.js";
import { emptyFolder, foldwise, ROOT } from "./cli.js";
import { largestDifference, preparedFolder, readJson, succeeds } from "./fixture.js";

const PLUGINS = {
  nearest_centroid: join(ROOT, "examples", "plugins", "nearest_centroid", "nearest_centroid.js"),
  extra_trees: join(ROOT, "examples", "plugins", "extra_trees", "extra_trees.js"),
};
const IDS = Object.keys(PLUGINS);
const flags = Object.values(PLUGINS).flatMap((path) => ["--plugin", path]);
let cwd: string;
const run = (): string => join(cwd, "experiments", "runs", "p");
const bundle = (id: string): string => join(run(), "models", `${id}_MES_h20`);

beforeAll(async () => {
  cwd = await preparedFolder();
  const train = ["train", "--model", IDS.join(","), "--symbol", "MES", "--horizon", "20", "--run-id", "p"];
  await succeeds([...train, ...flags, "--set", "models.extra_trees.model_params.n_estimators=20"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("models lists plug-ins beside the built-in models", async () => {
  const { events, stdout } = await succeeds(["models", ...flags, "--json"], { cwd });
  expect(stdout).not.toContain("undefined");
  const { models } = events.at(-1) as { models: { model: string; available: boolean }[] };
  expect(models.map(({ model }) => model)).toEqual([
    "xgboost",
    "lightgbm",
    "catboost",
    "lstm",
    "gru",
    "tcn",
    "transformer",
    "random_forest",
    "logistic",
    "svm",
    "voting",
    "stacking",
    "blending",
    ...IDS,
  ]);
  expect(models.filter(({ model }) => IDS.includes(model)).every(({ available }) => available)).toBe(true);
});

describe.each(IDS)("the plug-in %s", (id) => {
  it("leaves a bundle and a report like any other model", async () => {
    const { manifest, pipeline } = await readBundle(bundle(id));
    expect(manifest).toMatchObject({ model: id, kind: id === "extra_trees" ? "engine" : "typescript", symbol: "MES" });
    // Too few labels for sets; a rule there is.
    expect(manifest.decision).toEqual({ sets: null, signal: { rule: "probability", threshold: 0.5 } });
    expect(manifest.plugin).toContain(`${id}.js`);
    expect(pipeline?.symbol).toBe("MES");
    const report = reportSchema.parse(readJson(join(run(), "reports", `${id}_MES_h20_report.json`)));
    expect(report).toMatchObject({ model_name: id, test_openings: { opened: expect.any(Number) } });
    expect(report.importance_kind).toBe(id === "extra_trees" ? "impurity" : "permutation");
  });

  it("predicts from its bundle, prepared rows and raw bars alike", async () => {
    const predict = ["predict", "--model-dir", bundle(id), ...flags];
    await succeeds([...predict, "--data", "data/datasets/MES.parquet", "--out", `${id}.parquet`], { cwd });
    await succeeds([...predict, "--bars", "bars.csv", "--out", `${id}-bars.parquet`], { cwd });
    const [rows, bars] = [join(cwd, `${id}.parquet`), join(cwd, `${id}-bars.parquet`)];
    expect((await largestDifference(rows, bars)).difference).toBeLessThanOrEqual(1e-5);
    const trained = join(run(), "predictions", `${id}_MES_h20.parquet`);
    // A calibrator is judged on calibrate rows by those that had not seen them.
    const served = await largestDifference(trained, rows, "part <> 'val_calibrate'");
    expect(served.difference).toBeLessThanOrEqual(1e-5);
  });
});

it("resume goes on from any folder, with the plug-ins and data of the folder in which the run was begun", async () => {
  cpSync(dirname(PLUGINS.nearest_centroid), join(cwd, "plugins"), { recursive: true });
  const train = ["train", "--model", "nearest_centroid", "--symbol", "MES", "--horizon", "20", "--no-test"];
  const relative = ["--data", "data/datasets", "--plugin", "plugins/nearest_centroid.js", "--runs", "mine"];
  await succeeds([...train, ...relative, "--run-id", "moved"], { cwd });
  const graph = join(cwd, "mine", "moved", "models", "nearest_centroid_MES_h20", "nearest_centroid.json");
  const before = readFileSync(graph, "utf8");
  writeFileSync(graph, "{");
  const elsewhere = emptyFolder();
  await succeeds(["resume", "moved", "--runs", join(cwd, "mine")], { cwd: elsewhere });
  expect(readFileSync(graph, "utf8")).toBe(before);
  expect(readdirSync(elsewhere)).toEqual([]);
  rmSync(elsewhere, { recursive: true });
});

it("a bundle tells nothing of this machine's folders", () => {
  for (const id of IDS) {
    for (const name of ["config.yaml", "manifest.json", "pipeline.json"]) {
      const text = readFileSync(join(bundle(id), name), "utf8");
      expect(text).not.toContain(cwd);
      expect(text).not.toContain(ROOT);
    }
  }
});

describe("a bundle of a plug-in", () => {
  const predict = (id: string): string[] => [
    ...["predict", "--model-dir", bundle(id), "--data", "data/datasets/MES.parquet", "--out", "x.parquet"],
  ];

  it("with an engine needs nothing but its graph", async () => {
    await succeeds(predict("extra_trees"), { cwd });
  });

  it("in TypeScript needs its plug-in, and says so", async () => {
    const { code, stderr } = await foldwise(predict("nearest_centroid"), { cwd });
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/nearest_centroid\.js/);
    expect(stderr).toMatch(/--plugin|plugins:/);
  });

  it("is reproduced by the config.yaml of its run, which names the plug-in", async () => {
    const args = ["train", "--config", join(run(), "config.yaml"), "--no-test", "--run-id", "again", "--model"];
    await succeeds([...args, "nearest_centroid"], { cwd });
    const file = (id: string): string =>
      readFileSync(join(cwd, "experiments/runs", id, "models/nearest_centroid_MES_h20/nearest_centroid.json"), "utf8");
    expect(file("again")).toBe(file("p"));
  });
});
