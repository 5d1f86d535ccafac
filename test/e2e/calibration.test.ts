/** A model that is much too sure of itself, on rows that neither its fit nor its calibrator has seen; its sets and signals there. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel, predictFile } from "../../src/inference/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { emptyFolder, foldwise } from "./cli.js";
import { PREPARE_FLAGS, predictionsOf, query, type Row, readJson, succeeds } from "./fixture.js";
import { duck, expectRefusal } from "./refusal.js";

const JOB = "lightgbm_MES_h5";
let cwd: string;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const reportOf = (id: string): Report =>
  reportSchema.parse(readJson(join(runDir(id), "reports", `${JOB}_report.json`)));
/** Boosting without early stopping, with steps much too large. */
const SURE = ["training.early_stopping_rounds=null", "training.num_boost_round=150", "model_params.learning_rate=0.3"];
const train = (...more: string[]): string[] => [
  ..."train --model lightgbm --symbol MES --horizon 5 --quiet".split(" "),
  ...SURE.flatMap((setting) => ["--set", setting]),
  ...more,
];

beforeAll(async () => {
  cwd = emptyFolder();
  await succeeds(["demo-data", "--symbol", "MES", "--bars", "6000", "--out", "bars.csv"], { cwd });
  await succeeds(["prepare", "bars.csv", "--symbol", "MES", ...PREPARE_FLAGS], { cwd });
  await succeeds(train("--run-id", "auto"), { cwd });
  const sets = ["--sets", "adaptive", "--signal", "set_size", "--level", "0.6"];
  await succeeds(train("--run-id", "none", "--calibration", "none", ...sets), { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** 70/15/15: rows 0, 1400 and 1700 of 2000 begin the parts, and those from 1540 on, all calibrate rows among them, have one class. */
const ONE_CLASS = `SELECT TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * i AS timestamp, sin(i)::FLOAT AS wave,
  (CASE WHEN i BETWEEN 1540 AND 1710 THEN [0, 0, 0, 0] ELSE [-1, 0, 0, 1] END)[i % 4 + 1]::TINYINT AS label_h5
  FROM range(2000) rows(i) ORDER BY i`;

describe("calibrate rows of one class", () => {
  const one = (...more: string[]): string[] => [
    ..."train --model logistic --symbol ONE --horizon 5 --data one --embargo 7 --json".split(" "),
    ...more,
  ];
  beforeAll(async () => {
    mkdirSync(join(cwd, "one"));
    await duck(`COPY (${ONE_CLASS}) TO '${join(cwd, "one", "ONE.parquet")}' (FORMAT parquet)`);
  });

  it("are told before the fit where a kind was asked for", async () => {
    const { code, events } = await foldwise(one("--calibration", "temperature", "--run-id", "one-temperature"), {
      cwd,
    });
    expect(code).toBe(2);
    expect(JSON.stringify(events)).toMatch(/rows to calibrate on hold only class 0/);
    expect(events.some(({ stage }) => stage === "fit")).toBe(false);
  });

  it("are left as they are by auto, and the report says why", async () => {
    await succeeds(one("--run-id", "one-auto"), { cwd });
    const report = reportSchema.parse(readJson(join(runDir("one-auto"), "reports", "logistic_report.json")));
    expect(report.calibration).toMatchObject({ kind: "none", reason: expect.stringContaining("fewer than two") });
    // 150 rows with labels of five bars are too few labels, too.
    expect(report.decision).toMatchObject({ sets: null, signal: { rule: "probability", threshold: 0.5 } });
    expect(report.decision!.notices).toEqual([
      expect.stringMatching(/^Nothing is fitted: the calibrate rows hold 2\d effective labels/),
      expect.stringContaining("not by expected value: too few labels"),
    ]);
    expect(report.decision!.test!.trades).toBeNull();
  });
});

describe("train --calibration", () => {
  it("halves the calibration error of a model that is too sure by default, on calibrate and test rows, and says how", async () => {
    const [auto, none] = [reportOf("auto"), reportOf("none")];
    expect(auto.calibration?.kind).not.toBe("none");
    expect(auto.calibration?.reason).toMatch(/helps: cross-fitted gain/);
    expect(auto.calibration!.after.ece).toBeLessThan(auto.calibration!.before.ece / 2);
    expect(none.calibration).toBeNull();
    expect(auto.calibration!.before.log_loss).toBeCloseTo(none.validation.calibrate.metrics.log_loss, 5);
    expect(auto.test!.metrics.ece).toBeLessThan(none.test!.metrics.ece / 2);
    expect(auto.test!.metrics.log_loss).toBeLessThan(none.test!.metrics.log_loss - 0.1);
    const { stdout } = await succeeds(["report", "auto"], { cwd });
    expect(stdout).toMatch(
      /^Prediction sets \(plain\): 90\.0 % promised\n.*\ntest +\d+\.\d % +\[\d+\.\d %, \d+\.\d %\] /m,
    );
    expect(stdout).toMatch(
      /Calibration: \w+ \(\w+ helps: .*\)\.\nOn calibrate rows that it had not seen: log-loss [\d.]+ → /,
    );
  });

  it("scores the calibrate rows by calibrators that had not seen them, in report and predictions", async () => {
    const { calibration, validation } = reportOf("auto");
    expect(validation.calibrate.metrics.log_loss).toBeCloseTo(calibration!.after.log_loss, 6);
    const rows = await predictionsOf(runDir("auto"), JOB);
    const fresh = rows.filter(({ part }) => part === "val_calibrate");
    const loss = fresh.reduce((sum, { label, p_short, p_neutral, p_long }) => {
      const p = [p_short, p_neutral, p_long].map(Number);
      return sum - Math.log(p[Number(label) + 1]!);
    }, 0);
    expect(loss / fresh.length).toBeCloseTo(calibration!.after.log_loss, 5);
  });

  it("keeps the calibrator in the bundle: raw beside calibrated probabilities", async () => {
    const manifest = readJson(join(runDir("auto"), "models", JOB, "manifest.json"));
    expect(manifest.calibrator).toMatchObject({ kind: reportOf("auto").calibration!.kind });
    expect(readJson(join(runDir("none"), "models", JOB, "manifest.json")).calibrator).toBeNull();
    const [calibrated, raw] = await Promise.all(
      ["auto", "none"].map((id) => loadModel(join(runDir(id), "models", JOB))),
    );
    const features = calibrated!.manifest.features;
    const X = { kind: "array" as const, data: new Float32Array(features.length), shape: [1, features.length] as const };
    const [a, b] = await Promise.all(
      [calibrated, raw].map(async (model) => (await model!.predict({ ...X, featureNames: features })).confidence[0]!),
    );
    expect(a).toBeLessThan(b!);
    await Promise.all([calibrated!.close(), raw!.close()]);
  });

  it("refuses a kind that there is not", async () => {
    expectRefusal(await foldwise(train("--calibration", "platt"), { cwd }), [/auto, none, temperature/]);
  });
});

describe("prediction sets and signals", () => {
  const setOf = ({ set_short, set_neutral, set_long }: Row): unknown[] => [set_short, set_neutral, set_long];
  const rowsOf = async (id: string, part: string): Promise<Row[]> =>
    (await predictionsOf(runDir(id), JOB)).filter((row) => row.part === part);
  const covered = (rows: Row[]): number =>
    rows.filter((row) => setOf(row)[Number(row.label) + 1] === 1).length / rows.length;

  it.each([
    ["auto", "plain", 0.9],
    ["none", "adaptive", 0.6],
  ] as const)("of the run %s (%s) hold what they promise, and the report says so", async (id, method, level) => {
    const { decision } = reportOf(id);
    expect(decision).toMatchObject({ level, sets: { method } });
    for (const [name, part] of [
      ["test", "test"],
      ["calibrate", "val_calibrate"],
    ] as const) {
      const rows = await rowsOf(id, part);
      const { sets, signals } = decision![name]!;
      expect(sets!.coverage).toBeCloseTo(covered(rows), 12);
      expect(Math.abs(sets!.coverage - level)).toBeLessThan(0.08);
      expect(sets!.over_time).toHaveLength(10);
      const said = (signal: unknown): number => rows.filter((row) => row.signal === signal).length;
      expect(signals).toEqual({ short: said(-1), flat: said(0), long: said(1), no_trade: said(null) });
    }
  });

  it("trade by expected value net of the symbol's costs, and what a signal was worth is told", () => {
    const { signal, test } = reportOf("auto").decision!;
    expect(signal).toMatchObject({ rule: "expected_value", cost: expect.any(Number) });
    expect(signal.cost).toBeGreaterThan(0);
    const [short, , long] = signal.class_returns!;
    expect(short).toBeLessThan(0);
    expect(long).toBeGreaterThan(0);
    const { signals, trades } = test!;
    expect(trades!.rows).toBe(signals.long + signals.short);
    expect(trades!.mean_gross! - trades!.mean_net!).toBeCloseTo(signal.cost!, 4);
  });

  it("by set size trade where the set has one class", async () => {
    const rows = await rowsOf("none", "test");
    const wrong = rows.filter((row) => {
      const inSet = [-1, 0, 1].filter((_, k) => setOf(row)[k] === 1);
      return row.signal !== (inSet.length === 1 ? inSet[0] : null);
    });
    expect(wrong).toEqual([]);
    expect(rows.filter(({ signal }) => signal !== null).length).toBeGreaterThan(20);
  });

  it("are what the bundle gives of the same rows: plain ones all, adaptive ones as they stood before the test rows", async () => {
    const manifest = readJson(join(runDir("auto"), "models", JOB, "manifest.json"));
    expect(manifest.decision).toMatchObject({
      sets: { method: "plain", level: 0.9 },
      signal: { rule: "expected_value" },
    });
    for (const id of ["auto", "none"]) {
      const model = await loadModel(join(runDir(id), "models", JOB));
      const out = join(cwd, `${id}.parquet`);
      const source = { kind: "file", path: join(cwd, "data", "datasets", "MES.parquet") } as const;
      await predictFile({ model, source, out });
      await model.close();
      const served = new Map((await query(`SELECT * FROM '${out}'`)).map((row) => [row.row, row]));
      const differ = (await rowsOf(id, "test")).filter((row) => {
        const same = served.get(row.row)!;
        return setOf(same).join() !== setOf(row).join() || same.signal !== row.signal;
      });
      if (id === "auto") expect(differ).toEqual([]);
      else expect(differ.length).toBeGreaterThan(0);
    }
  });

  it("refuse a level that is none", async () => {
    expectRefusal(await foldwise(train("--level", "1"), { cwd }), [/decision\.level/, /--level/]);
  });
});
