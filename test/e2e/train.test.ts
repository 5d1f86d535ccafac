/** `foldwise train` on both layouts: what it writes, and what it says. */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readBundle } from "../../src/artifacts/index.js";
import { type Report, reportSchema, selectionSchema } from "../../src/report/index.js";
import { type CliResult, foldwise, ROOT } from "./cli.js";
import { bareSplits, columnsOf, predictionsOf, preparedFolder, readJson, succeeds } from "./fixture.js";
import { eachModel, MODELS, SMALL_NETWORKS } from "./models.js";
import { warm } from "./warm.js";

let cwd: string;
const runOf = (id: string): string => join(cwd, "experiments", "runs", id);
const reportOf = (id: string, job: string): Report =>
  reportSchema.parse(readJson(join(runOf(id), "reports", `${job}_report.json`)));
const jobOf = (id: string): string => `${id}_MES_h20`;
const JOBS = MODELS.map(jobOf);
/** What a model writes depends neither on how long it was trained nor on its size. */
const SHORT = [
  "training.neural.max_epochs=2",
  "training.boosting.num_boost_round=12",
  "models.random_forest.model_params.n_estimators=10",
  "models.stacking.model_params.folds=2",
]
  .flatMap((setting) => ["--set", setting])
  .concat(SMALL_NETWORKS, "--seq-len", "8");

let series: CliResult;
let splits: CliResult;
beforeAll(async () => {
  cwd = await preparedFolder();
  await bareSplits(cwd, join(cwd, "bare", "splits", "scaled"));
  const train = ["train", "--model", "all", "--symbol", "MES", "--horizon", "20", ...SHORT];
  series = await foldwise([...train, "--run-id", "series", "--json"], { cwd });
  splits = await foldwise([...train, "--run-id", "splits", "--data", "bare/splits/scaled"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe.each(["series", "splits"])("train on the %s layout", (layout) => {
  it("succeeds for every model", () => {
    const result = layout === "series" ? series : splits;
    expect(result.code, result.stderr).toBe(0);
  });

  eachModel("leaves a whole bundle of %s", jobOf, async (job) => {
    const dir = join(runOf(layout), "models", job);
    const { manifest, pipeline, parts } = await readBundle(dir);
    expect(manifest).toMatchObject({ symbol: "MES", horizon: 20, run_id: layout, seed: 7 });
    expect(manifest.features).toHaveLength(27);
    expect(readFileSync(join(dir, "feature_names.txt"), "utf8").trim().split("\n")).toEqual(manifest.features);
    const files: (string | null)[] = ["config.yaml", "feature_names.txt", "pipeline.json"];
    if (manifest.ensemble === null) {
      expect(manifest.kind).toBe("engine");
      expect(manifest.parity?.max_abs_diff).toBeLessThanOrEqual(1e-5);
      files.push("model.onnx", manifest.native);
    } else {
      expect(manifest.kind).toBe("ensemble");
      expect(Object.keys(parts.bases)).toEqual(["lightgbm", "catboost", "random_forest", "logistic"]);
    }
    if (manifest.model === "logistic") files.push("scaler.json");
    expect(Object.keys(manifest.files)).toEqual(expect.arrayContaining(files));
    expect(pipeline === null).toBe(layout === "splits");
  });

  eachModel("leaves a report of %s that fits the shipped JSON Schema", jobOf, (job) => {
    const shipped = z.fromJSONSchema(
      z.record(z.string(), z.unknown()).parse(readJson(join(ROOT, "docs/schemas/report.schema.json"))),
    );
    const json = readJson(join(runOf(layout), "reports", `${job}_report.json`));
    expect(shipped.safeParse(json).error?.issues).toBeUndefined();
    const report = reportSchema.parse(json);
    expect(report.head_line).toMatch(/^Beats the prior\? (YES|NO|NOT SHOWN): log-loss (better|worse) by /);
    expect(report.data.layout).toBe(layout);
    expect(Object.keys(report.feature_importance)).toHaveLength(27);
  });

  eachModel("writes the predictions of %s with the columns of the design", jobOf, async (job) => {
    expect(await columnsOf(join(runOf(layout), "predictions", `${job}.parquet`))).toEqual([
      { name: "timestamp", type: "TIMESTAMP WITH TIME ZONE" },
      { name: "row", type: "INTEGER" },
      { name: "part", type: "VARCHAR" },
      { name: "fold", type: "TINYINT" },
      { name: "repeat", type: "TINYINT" },
      { name: "label", type: "TINYINT" },
      { name: "label_end", type: "TIMESTAMP WITH TIME ZONE" },
      { name: "prediction", type: "TINYINT" },
      { name: "p_short", type: "FLOAT" },
      { name: "p_neutral", type: "FLOAT" },
      { name: "p_long", type: "FLOAT" },
      { name: "confidence", type: "FLOAT" },
      ...["set_short", "set_neutral", "set_long", "signal"].map((name) => ({ name, type: "TINYINT" })),
    ]);
    const rows = await predictionsOf(runOf(layout), job);
    const { rows: parts } = reportOf(layout, job);
    const count = (part: string): number => rows.filter((row) => row.part === part).length;
    expect([count("val_stop"), count("val_calibrate"), count("test")]).toEqual([
      parts.stop.rows,
      parts.calibrate.rows,
      parts.test.rows,
    ]);
    const wrong = rows.filter(({ p_short, p_neutral, p_long, prediction, confidence }) => {
      const p = [Number(p_short), Number(p_neutral), Number(p_long)];
      const off = Math.abs(p[0]! + p[1]! + p[2]! - 1);
      return !(off < 5e-6 && confidence === Math.max(...p) && prediction === p.indexOf(Math.max(...p)) - 1);
    });
    expect(wrong).toEqual([]);
  });
});

describe("train", () => {
  it("gives what is in the report as the test figures of its predictions", async () => {
    const rows = (await predictionsOf(runOf("series"), JOBS[0]!)).filter((row) => row.part === "test");
    const { test_metrics } = reportOf("series", JOBS[0]!);
    const right = rows.filter((row) => row.label === row.prediction).length;
    expect(test_metrics?.accuracy).toBeCloseTo(right / rows.length, 12);
    const p = (row: Record<string, unknown>): number =>
      Number([row.p_short, row.p_neutral, row.p_long][Number(row.label) + 1]);
    const loss = rows.reduce((sum, row) => sum - Math.log(p(row)), 0) / rows.length;
    expect(test_metrics?.log_loss).toBeCloseTo(loss, 6);
  });

  it("says of files without label ends that they were derived", () => {
    expect(reportOf("splits", JOBS[0]!).notices.join("\n")).toMatch(/label_end/);
    expect(reportOf("series", JOBS[0]!).notices.join("\n")).not.toMatch(/label_end/);
  });

  it("ends --json with the line of the design", () => {
    const finished = series.events.at(-1);
    expect(Object.keys(finished ?? {}).sort()).toEqual(["event", "models", "run_dir", "run_id", "status"]);
    expect(finished).toMatchObject({ event: "finished", status: "succeeded", run_id: "series" });
    const models = z.array(z.record(z.string(), z.unknown())).parse(finished?.models);
    expect(models.map(({ model, symbol, horizon }) => [model, symbol, horizon])).toEqual(
      MODELS.map((id) => [id, "MES", 20]),
    );
    for (const { model, bundle, report, test } of models) {
      expect(existsSync(join(String(bundle), "manifest.json"))).toBe(true);
      expect(reportSchema.parse(readJson(String(report))).test_metrics).toEqual(test);
      expect(Object.keys(test as object)).toEqual(
        "accuracy precision recall f1 log_loss brier mcc ece confusion_matrix".split(" "),
      );
      expect(report).toContain(`${model}_MES_h20_report.json`);
    }
    expect(series.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
  });

  it("tells people in plain lines on stderr what it does, and on stdout what came out", () => {
    expect(splits.stderr).toContain("Training xgboost for MES, horizon=20");
    expect(splits.stdout).toMatch(/beats the prior\?/);
    expect(splits.stdout).toContain(`${JOBS.length} of ${JOBS.length} jobs succeeded. Run: `);
  });

  it("places the models by the calibrate rows, each beside the first, and by no test row", () => {
    const { comparison, choice } = selectionSchema.parse(
      readJson(join(runOf("splits"), "reports", "MES_h20_selection.json")),
    );
    const calibrate = (model: string) => reportOf("splits", `${model}_MES_h20`).validation.calibrate;
    expect(choice).toBeNull();
    expect(comparison).toMatchObject({ part: "val_calibrate", rows: calibrate("xgboost").rows });
    expect(comparison!.models.map(({ model_name }) => model_name).sort()).toEqual([...MODELS].sort());
    for (const { model_name, log_loss } of comparison!.models)
      expect(log_loss).toBeCloseTo(calibrate(model_name).metrics.log_loss, 5);
    expect(splits.stdout).toContain(`Each model beside ${comparison!.best}, the best-placed, on `);
  });

  it("counts each evaluation of test rows, over all runs of the folder", () => {
    const counts = ["series", "splits"].flatMap((run) => JOBS.map((job) => reportOf(run, job).test_openings?.opened));
    expect(counts).toEqual(Array.from({ length: 2 * JOBS.length }, (_, i) => i + 1));
  });

  it("counts them in the grid's order, whichever of several workers is faster", async () => {
    const reportFile = (model: string): string => join(cwd, "two", "w", "reports", `${model}_MES_h20_report.json`);
    const example = pathToFileURL(join(ROOT, "examples", "plugins", "nearest_centroid", "nearest_centroid.js"));
    // Its fit ends only when the other job is done.
    writeFileSync(
      join(cwd, "slow.mjs"),
      `import { existsSync } from "node:fs";
import centroid from ${JSON.stringify(example.href)};
const other = ${JSON.stringify(reportFile("lightgbm"))};
export default (context) => ({
  ...centroid(context),
  id: "slow",
  create(settings) {
    const model = centroid(context).create(settings);
    const fit = model.fit.bind(model);
    model.fit = async (...rows) => {
      const end = Date.now() + 60_000;
      while (!existsSync(other) && Date.now() < end) await new Promise((again) => setTimeout(again, 20));
      return fit(...rows);
    };
    return model;
  },
});
`,
    );
    const grid = "train --model slow,lightgbm --symbol MES --horizon 20 --workers 2".split(" ");
    const where = "--plugin slow.mjs --runs two --run-id w --json --set training.boosting.num_boost_round=12".split(
      " ",
    );
    const { events } = await succeeds([...grid, ...where], { cwd });
    const finished = events.filter(({ event }) => event === "job_finished").map(({ job }) => job);
    expect(finished, "the second job has to be the faster one").toEqual(["lightgbm_MES_h20", "slow_MES_h20"]);
    const opened = ["slow", "lightgbm"].map((model) => {
      const report = readJson(reportFile(model));
      return report.test_openings;
    });
    expect(opened).toEqual([
      { opened: 1, configurations: 1 },
      { opened: 2, configurations: 2 },
    ]);
  });
});

describe("train of one job", () => {
  let quiet: CliResult;
  beforeAll(async () => {
    quiet = await foldwise(
      [
        ..."train --model lightgbm --symbol MES --horizon 5 --run-id one --no-test --quiet".split(" "),
        ..."--set training.num_boost_round=12".split(" "),
      ],
      { cwd },
    );
  });

  it("gives its report the requirements' name too", () => {
    expect(quiet.code, quiet.stderr).toBe(0);
    const report = readFileSync(join(runOf("one"), "reports", "lightgbm_report.json"), "utf8");
    expect(readFileSync(join(runOf("one"), "reports", "lightgbm_MES_h5_report.json"), "utf8")).toBe(report);
    expect(existsSync(join(runOf("series"), "reports", "lightgbm_report.json"))).toBe(false);
  });

  it("says nothing on stderr with --quiet", () => {
    expect(quiet.stderr).toBe("");
    expect(quiet.stdout).toContain("Beats the prior?");
  });

  it("leaves the test part closed with --no-test", async () => {
    const report = reportOf("one", "lightgbm_MES_h5");
    expect(report).toMatchObject({ test_metrics: null, test: null, test_openings: null, head_part: "calibrate" });
    expect(report.rows.test.classes).toBeNull();
    const parts = new Set((await predictionsOf(runOf("one"), "lightgbm_MES_h5")).map((row) => row.part));
    expect([...parts]).toEqual(["val_stop", "val_calibrate"]);
    expect(existsSync(join(runOf("one"), "openings.ndjson"))).toBe(false);
  });
});

describe("a grid", () => {
  it("goes on after jobs that fail, says which, and exits 1", async () => {
    const args = [
      "train",
      "--model",
      "logistic",
      "--symbol",
      "MES,MGC",
      "--horizon",
      "20,7",
      "--run-id",
      "grid",
      "--json",
    ];
    const result = await foldwise(args, { cwd });
    expect(result.code, result.stderr).toBe(1);
    const finished = result.events.at(-1);
    expect(finished).toMatchObject({ status: "failed", run_id: "grid" });
    const models = z.array(z.record(z.string(), z.unknown())).parse(finished?.models);
    expect(models.map(({ job, status }) => [job, status])).toEqual([
      ["logistic_MES_h20", "succeeded"],
      ["logistic_MES_h7", "failed"],
      ["logistic_MGC_h20", "failed"],
      ["logistic_MGC_h7", "failed"],
    ]);
    expect(models[1]).toMatchObject({ error: { code: "usage.unknown_horizon" }, bundle: null, test: null });
    expect(models[2]).toMatchObject({ error: { code: "data.dataset_not_found" } });
  });

  it("counts its one evaluation of test rows, and none of the closed run before", () => {
    expect(reportOf("grid", "logistic_MES_h20").test_openings?.opened).toBe(2 * JOBS.length + 1);
    // A configuration that was tried before is not counted again. The bare split files do not say how their rows were made.
    expect(reportOf("grid", "logistic_MES_h20").test_openings?.configurations).toBe(2 * JOBS.length);
  });

  it("shows its failures in `runs` and `report`", async () => {
    const { stdout } = await succeeds(["runs"], { cwd });
    expect(stdout).toMatch(/^grid +failed +1\/4 /m);
    expect(stdout).toMatch(new RegExp(`^series +succeeded +${JOBS.length}/${JOBS.length} `, "m"));
    const shown = await succeeds(["report", "grid"], { cwd });
    expect(shown.stdout).toContain("Beats the prior?");
    const compared = await succeeds(["runs", "series", "grid"], { cwd });
    expect(compared.stdout).toMatch(/calibrate log-loss/);
  });
});

describe("train refuses before any fit, with exit code 2,", () => {
  const cases: [what: string, args: string[], pattern: RegExp][] = [
    [
      "a horizon that the data lack",
      ["--model", "logistic", "--symbol", "MES", "--horizon", "7"],
      /no horizon 7.*5, 20/,
    ],
    ["a symbol without data", ["--model", "logistic", "--symbol", "MGC", "--horizon", "20"], /MGC/],
    ["an unknown model, with the nearest", ["--model", "xgbost", "--symbol", "MES"], /did you mean "?xgboost/i],
    [
      "a run id that is taken",
      ["--model", "logistic", "--symbol", "MES", "--horizon", "20", "--run-id", "one"],
      /one exists already/,
    ],
    [
      "a setting of a model that is not trained",
      ["--model", "logistic", "--symbol", "MES", "--set", "training.num_boost_round=30"],
      /num_boost_round" belongs to a model that this call does not train/,
    ],
    ["an unknown flag", ["--modell", "logistic"], /--modell/],
    [
      "a run id that leaves the folder",
      ["--model", "logistic", "--symbol", "MES", "--horizon", "20", "--run-id", "../x"],
      /run id/,
    ],
  ];
  it.each(cases)("%s", async (_, args, pattern) => {
    const result = await warm(["train", ...args], { cwd });
    expect(result.stderr).toMatch(pattern);
    expect(result.code, result.stderr).toBe(2);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});
