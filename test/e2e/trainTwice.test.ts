/** The same data, configuration and seed give the same model; which rows are used depends on none of them. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { openStored } from "../../src/data/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { planRows } from "../../src/training/rows.js";
import { bareSplits, largestDifference, predictionsOf, preparedFolder, query, readJson, succeeds } from "./fixture.js";
import { MODELS } from "./models.js";

const JOBS = MODELS.flatMap((id) => [`${id}_MES_h5`, `${id}_MES_h20`]);
const BOOSTED = [
  "training.boosting.num_boost_round=40",
  "training.neural.max_epochs=3",
  "models.stacking.model_params.bases=[lightgbm,logistic]",
  "models.stacking.model_params.folds=2",
].flatMap((setting) => ["--set", setting]);
let cwd: string;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const reportOf = (id: string, job: string): Report =>
  reportSchema.parse(readJson(join(runDir(id), "reports", `${job}_report.json`)));
const bytes = (id: string, job: string, file: string): Buffer => readFileSync(join(runDir(id), "models", job, file));
const train = (id: string, ...args: string[]): Promise<unknown> =>
  succeeds(["train", "--no-test", "--quiet", "--run-id", id, ...args], { cwd });

beforeAll(async () => {
  cwd = await preparedFolder();
  await train("first", "--model", MODELS.join(","), "--symbol", "MES", "--horizon", "5,20", ...BOOSTED);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("training again", () => {
  it("with two workers and the same seed gives the same predictions and graphs", async () => {
    await train(
      "again",
      "--model",
      MODELS.join(","),
      "--symbol",
      "MES",
      "--horizon",
      "5,20",
      "--workers",
      "2",
      ...BOOSTED,
    );
    for (const job of JOBS) await expectSame("again", job);
  });

  it("from the config.yaml of the run gives the run bit for bit", async () => {
    await train("copy", "--config", join(runDir("first"), "config.yaml"));
    expect(Run.open(join(cwd, "experiments", "runs"), "copy").file.jobs.map(({ job }) => job)).toEqual(JOBS);
    for (const job of JOBS) {
      await expectSame("copy", job);
      const { run_id, created, seconds, training_metrics, peak_memory_bytes, ...same } = reportOf("copy", job);
      const first = reportOf("first", job);
      expect({ ...first, ...same }).toEqual(first);
      expect({ ...training_metrics, training_time: 0 }).toEqual({ ...first.training_metrics, training_time: 0 });
      expect([run_id, created, seconds, peak_memory_bytes].every((value) => value !== undefined)).toBe(true);
    }
  });

  it("with another seed says so, and gives another model", async () => {
    await train("seed", "--model", "xgboost", "--symbol", "MES", "--horizon", "20", "--seed", "8", ...BOOSTED);
    expect(reportOf("seed", "xgboost_MES_h20").seed).toBe(8);
    expect(Run.open(join(cwd, "experiments", "runs"), "seed").file.seed).toBe(8);
    expect(readJson(join(runDir("seed"), "models", "xgboost_MES_h20", "manifest.json")).seed).toBe(8);
    const path = (id: string): string => join(runDir(id), "predictions", "xgboost_MES_h20.parquet");
    expect((await largestDifference(path("seed"), path("first"))).difference).toBeGreaterThan(0);
  });

  async function expectSame(run: string, job: string): Promise<void> {
    expect(await predictionsOf(runDir(run), job)).toEqual(await predictionsOf(runDir("first"), job));
    const [again, first] = [run, "first"].map((id) => readJson(join(runDir(id), "models", job, "manifest.json")));
    if (first!.kind === "ensemble") {
      const of = ({ ensemble }: Record<string, unknown>) => (ensemble as { combiner: unknown }).combiner;
      expect(of(again!)).toEqual(of(first!));
      return;
    }
    expect(bytes(run, job, "model.onnx").equals(bytes("first", job, "model.onnx")), `${job}: model.onnx`).toBe(true);
  }
});

describe("the rows of a run", () => {
  it("do not depend on the horizon or the model", async () => {
    const rowsOf = async (job: string) =>
      (await predictionsOf(runDir("first"), job)).map(({ row, part }) => [row, part]);
    const all = await Promise.all(JOBS.map(rowsOf));
    for (const rows of all) expect(rows).toEqual(all[0]);
    const counts = JOBS.map((job) => {
      const { train, ...scored } = reportOf("first", job).rows;
      // A sequence model leaves out training rows at which no window ends: its own affair, and counted.
      return [train.rows + train.windowless, ...Object.values(scored).map(({ rows, from, to }) => [rows, from, to])];
    });
    for (const count of counts) expect(count).toEqual(counts[0]);
  });

  it("lose to a longer embargo only what comes before a border, and say how much", async () => {
    await train("embargo", "--model", "logistic", "--symbol", "MES", "--horizon", "20", "--embargo", "200");
    const [short, long] = ["first", "embargo"].map((id) => reportOf(id, "logistic_MES_h20"));
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
      const args = ["--model", "logistic", "--symbol", "MES", "--horizon", "20", "--data", data, "--embargo", "0"];
      await succeeds(["train", ...args, "--run-id", id], { cwd });
      const report = reportOf(id, "logistic_MES_h20");
      const { train, stop, calibrate, test } = planRows(
        await openStored({ symbol: "MES", data: join(cwd, data), store: join(cwd, ".foldwise", "datasets") }),
        0,
        null,
      );
      // The plan is that of the run: its training rows by number, the others row by row.
      expect(report.rows.train.rows).toBe(train.length);
      const answered = (await predictionsOf(runDir(id), "logistic_MES_h20")).map(({ row }) => row);
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
