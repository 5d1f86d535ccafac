/** The same data, configuration and seed give the same model; which rows are used depends on none of them. */

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { openStored } from "../../src/data/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { planRows } from "../../src/training/rows.js";
import { bareSplits, largestDifference, predictionsOf, preparedFolder, query, readJson, succeeds } from "./fixture.js";
import { MODELS, SMALL_NETWORKS } from "./models.js";

const JOBS = MODELS.map((id) => `${id}_MES_h20`);
/** What is tested depends neither on the rounds, nor on sizes, nor on the length of a window. */
const SHORT = [
  ...["--set", "training.boosting.num_boost_round=12", "--set", "training.neural.max_epochs=2"],
  ...SMALL_NETWORKS,
  ...[
    "--set",
    "models.stacking.model_params.bases=[lightgbm,logistic]",
    "--set",
    "models.stacking.model_params.folds=2",
  ],
  ...["--set", "models.random_forest.model_params.n_estimators=10", "--seq-len", "8"],
];
/** Models whose engines bin the rows first. */
const BINNING = ["xgboost", "lightgbm", "catboost"];
/** A model of whose engine the import is short. */
const QUICK = "--model lightgbm --symbol MES --horizon 20 --set training.num_boost_round=12".split(" ");
let cwd: string;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const reportOf = (id: string, job: string): Report =>
  reportSchema.parse(readJson(join(runDir(id), "reports", `${job}_report.json`)));
const bytes = (id: string, job: string, file: string): Buffer => readFileSync(join(runDir(id), "models", job, file));
const combinerOf = (id: string, job: string): Buffer => {
  const { ensemble } = readJson(join(runDir(id), "models", job, "manifest.json"));
  return Buffer.from(JSON.stringify((ensemble as { combiner: unknown }).combiner));
};
const train = (id: string, ...args: string[]): Promise<unknown> =>
  succeeds(["train", "--no-test", "--quiet", "--run-id", id, ...args], { cwd });

beforeAll(async () => {
  cwd = await preparedFolder();
  await train("first", "--model", MODELS.join(","), "--symbol", "MES", "--horizon", "20", ...SHORT);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("training again", () => {
  it("from the config.yaml of the run, with two workers, gives the run bit for bit", async () => {
    await train("again", "--config", join(runDir("first"), "config.yaml"), "--workers", "2");
    expect(Run.open(join(cwd, "experiments", "runs"), "again").file.jobs.map(({ job }) => job)).toEqual(JOBS);
    for (const job of JOBS) {
      expect(await predictionsOf(runDir("again"), job)).toEqual(await predictionsOf(runDir("first"), job));
      // The figures of an ensemble stand in its manifest.
      const what = existsSync(join(runDir("first"), "models", job, "model.onnx")) ? "model.onnx" : null;
      const [again, first] = ["again", "first"].map((run) =>
        what === null ? combinerOf(run, job) : bytes(run, job, what),
      );
      expect(again!.equals(first!), job).toBe(true);
      const { run_id, created, seconds, training_metrics, peak_memory_bytes, ...same } = reportOf("again", job);
      const before = reportOf("first", job);
      expect({ ...before, ...same }).toEqual(before);
      expect({ ...training_metrics, training_time: 0 }).toEqual({ ...before.training_metrics, training_time: 0 });
      expect([run_id, created, seconds, peak_memory_bytes].every((value) => value !== undefined)).toBe(true);
    }
  });

  it("with another seed says so, and gives another model", async () => {
    await train(
      "seed",
      "--model",
      "xgboost",
      "--symbol",
      "MES",
      "--horizon",
      "20",
      "--seed",
      "8",
      ...SHORT.slice(0, 2),
    );
    expect(reportOf("seed", "xgboost_MES_h20").seed).toBe(8);
    expect(Run.open(join(cwd, "experiments", "runs"), "seed").file.seed).toBe(8);
    expect(readJson(join(runDir("seed"), "models", "xgboost_MES_h20", "manifest.json")).seed).toBe(8);
    const path = (id: string): string => join(runDir(id), "predictions", "xgboost_MES_h20.parquet");
    expect((await largestDifference(path("seed"), path("first"))).difference).toBeGreaterThan(0);
  });
});

describe("two horizons of the same rows", () => {
  it("are binned once by a worker", async () => {
    await train("horizons", "--model", BINNING.join(","), "--symbol", "MES", "--horizon", "5,20", ...SHORT.slice(0, 2));
    const quantised = (horizon: number) => BINNING.map((id) => reportOf("horizons", `${id}_MES_h${horizon}`).quantised);
    expect(quantised(5)).toEqual(BINNING.map(() => "built"));
    expect(quantised(20)).toEqual(BINNING.map(() => "reused"));
  });
});

describe("the rows of a run", () => {
  it("do not depend on the horizon or the model", async () => {
    const rowsOf = async ([run, job]: readonly [string, string]) =>
      (await predictionsOf(runDir(run), job)).map(({ row, part }) => [row, part]);
    const jobs = [...JOBS.map((job) => ["first", job] as const), ["horizons", "lightgbm_MES_h5"] as const];
    const all = await Promise.all(jobs.map(rowsOf));
    for (const rows of all) expect(rows).toEqual(all[0]);
    const counts = jobs.map(([run, job]) => {
      const { train, ...scored } = reportOf(run, job).rows;
      // A sequence model leaves out training rows at which no window ends: its own affair, and counted.
      return [train.rows + train.windowless, ...Object.values(scored).map(({ rows, from, to }) => [rows, from, to])];
    });
    for (const count of counts) expect(count).toEqual(counts[0]);
  });

  it("lose to a longer embargo only what comes before a border, and say how much", async () => {
    await train("embargo", ...QUICK, "--embargo", "200");
    const [short, long] = ["first", "embargo"].map((id) => reportOf(id, "lightgbm_MES_h20"));
    expect([short?.embargo, long?.embargo]).toEqual([59, 200]);
    expect(long!.rows.train.rows).toBeLessThan(short!.rows.train.rows);
    expect(long!.rows.train.embargoed).toBeGreaterThan(short!.rows.train.embargoed);
    for (const part of ["stop", "calibrate", "test"] as const)
      expect(long!.rows[part].from).toBe(short!.rows[part].from);
    expect(long!.rows.test).toEqual(short!.rows.test);
  });

  it.each(["series", "bare splits"])(
    "share no moment with the labels of another part: %s, without an embargo",
    async (layout) => {
      const data = layout === "series" ? "data/datasets" : "bare";
      if (layout !== "series") await bareSplits(cwd, join(cwd, "bare"));
      const id = layout.replace(" ", "-");
      const args = [...QUICK, "--data", data, "--embargo", "0"];
      await succeeds(["train", ...args, "--run-id", id], { cwd });
      const report = reportOf(id, "lightgbm_MES_h20");
      const { train, stop, calibrate, test } = planRows(
        await openStored({ symbol: "MES", data: join(cwd, data), store: join(cwd, ".foldwise", "datasets") }),
        0,
        null,
      );
      // The plan is that of the run: its training rows by number, the others row by row.
      expect(report.rows.train.rows).toBe(train.length);
      const answered = (await predictionsOf(runDir(id), "lightgbm_MES_h20")).map(({ row }) => row);
      expect(answered).toEqual([...stop, ...calibrate, ...test]);
      const spans = await labelSpans(layout);
      const parts = [train, stop, calibrate, test].map((rows) => [...rows].map((row) => spans[row]!));
      expect(report.rows.train.purged).toBeGreaterThan(0);
      expect(new Date(parts[0]![0]!.start).toISOString()).toBe(report.rows.train.from);
      parts.forEach((earlier, i) => {
        const later = parts.slice(i + 1).flat();
        const first = Math.min(...later.map(({ start }) => start));
        for (const { end } of earlier) expect(end).toBeLessThan(first);
      });
    },
  );

  /** Start and end (ms) of every row's label: from the Parquet, or by the contract's rule for files that do not say. */
  async function labelSpans(layout: string): Promise<{ start: number; end: number }[]> {
    if (layout === "series") {
      const rows = await query(
        `SELECT epoch_ms(timestamp)::DOUBLE AS start, epoch_ms(greatest(label_end_h5, label_end_h20))::DOUBLE AS "end"
         FROM '${join(cwd, "data/datasets/MES.parquet")}' ORDER BY timestamp`,
      );
      return rows.map(({ start, end }) => ({ start: Number(start), end: end === null ? Number.NaN : Number(end) }));
    }
    const files = ["train", "val", "test"].map((part) => `'${join(cwd, "bare", `MES_${part}.parquet`)}'`).join(", ");
    const rows = await query(
      `SELECT epoch_ms(timestamp)::DOUBLE AS start FROM read_parquet([${files}]) ORDER BY timestamp`,
    );
    const starts = rows.map(({ start }) => Number(start));
    // Twenty rows on; the last rows of all belong to the test part, which nothing follows.
    return starts.map((start, row) => ({ start, end: starts[row + 20] ?? Number.POSITIVE_INFINITY }));
  }
});
