/** Which of the files that tuning runs have left `train --tuned` takes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeEach, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { tunedFiles } from "../../src/training/tunedFiles.js";
import { thrown } from "../config/support.js";
import { temporaryFolder } from "../data/helpers.js";

let runsDir: string;
beforeEach(() => {
  runsDir = join(temporaryFolder(), "runs");
});

interface Left {
  kind?: string;
  horizon?: number;
  /** Of jobs that did not succeed, and of those whose file is gone. */
  failed?: string[];
  missing?: string[];
}

/** A run that has ended, with a file for each model. */
async function leave(
  runId: string,
  models: string[],
  { kind = "tune", horizon = 20, failed = [], missing = [] }: Left = {},
) {
  // Runs are ordered by the millisecond.
  await setTimeout(2);
  const jobs = models.map((model) => ({ job: `${model}_MES_h${horizon}`, model, symbol: "MES", horizon }));
  const run = Run.create({
    ...{ runsDir, runId, command: "", seed: 7, versions: {}, datasets: {}, config: "", jobs },
    options: { kind },
  });
  mkdirSync(join(run.dir, "tuned"));
  for (const { job, model } of jobs) {
    run.updateJob(job, { status: failed.includes(model) ? "failed" : "succeeded" });
    if (!missing.includes(model)) writeFileSync(join(run.dir, "tuned", `${job}.yaml`), "");
  }
  run.update({ status: "succeeded", process: null });
}

const found = (horizon = 20) => tunedFiles(runsDir, { symbols: ["MES"], horizons: [horizon] });
const fileOf = (run: string, job: string): string => join(runsDir, run, "tuned", `${job}.yaml`);

it("each model's is the newest that a tuning run has finished for the symbol and horizon", async () => {
  await leave("z-first", ["svm", "xgboost"]);
  await leave("a-second", ["svm"]);
  await leave("short", ["svm"], { horizon: 5 });
  await leave("trained", ["svm"], { kind: "train" });
  const { of } = found();
  expect(of("svm")).toBe(fileOf("a-second", "svm_MES_h20"));
  expect(of("xgboost")).toBe(fileOf("z-first", "xgboost_MES_h20"));
  expect(of("tcn")).toBeNull();
  expect(found(5).of("svm")).toBe(fileOf("short", "svm_MES_h5"));
});

it("one of a job that failed, or whose file is gone, is passed over for an older one", async () => {
  await leave("first", ["svm", "xgboost"]);
  await leave("second", ["svm", "xgboost"], { failed: ["svm"], missing: ["xgboost"] });
  expect(found().of("svm")).toBe(fileOf("first", "svm_MES_h20"));
  expect(found().of("xgboost")).toBe(fileOf("first", "xgboost_MES_h20"));
});

it("it is said which run was taken, and which models have none", async () => {
  await leave("first", ["svm"]);
  expect(found().notices(["svm"])).toEqual(["svm: settings tuned in run first"]);
  expect(found().notices(["svm", "tcn", "gru"])).toEqual([
    "svm: settings tuned in run first",
    "Not tuned for MES at horizon 20: tcn, gru; their settings are those without --tuned.",
  ]);
});

it("a call of which nothing was tuned is refused, with the command that would", () => {
  const { code, message, remedy } = thrown(() => found().notices(["tcn", "gru"]));
  expect(code).toBe("usage.not_tuned");
  expect(message).toBe(`No run in ${runsDir} has tuned tcn, gru for MES at horizon 20.`);
  expect(remedy).toBe("Run: foldwise tune --model tcn --symbol MES --horizon 20");
});

it.each([
  [["MES", "MGC"], [20], "2 and 1"],
  [["MES"], [5, 20], "1 and 2"],
  [[], [20], "0 and 1"],
])("a call with symbols %j and horizons %j is refused", (symbols, horizons, counted) => {
  const { code, message } = thrown(() => tunedFiles(runsDir, { symbols, horizons }));
  expect(code).toBe("usage.tuned_grid");
  expect(message).toContain(`this call has ${counted}.`);
});
