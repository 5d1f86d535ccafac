/** A model that is much too sure of itself, on rows that neither its fit nor its calibrator has seen. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/inference/index.js";
import { type Report, reportSchema } from "../../src/report/index.js";
import { emptyFolder, foldwise } from "./cli.js";
import { PREPARE_FLAGS, predictionsOf, readJson, succeeds } from "./fixture.js";
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
  await succeeds(train("--run-id", "none", "--calibration", "none"), { cwd });
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
