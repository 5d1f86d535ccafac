/** `foldwise tune` with all that it can say of its choice, and with more workers than one. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Report, reportSchema, type TuningReport } from "../../src/report/index.js";
import type { CliResult } from "./cli.js";
import { preparedFolder, readJson, succeeds } from "./fixture.js";
import { counted, readByOptuna, tuningReportOf } from "./studies.js";

let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const runDir = (...parts: string[]): string => join(cwd, "experiments", "runs", ...parts);

describe("nested, with pruned trials finished, and fitted on train and validation", () => {
  const JOB = "lightgbm_MES_h20";
  const TRIALS = 8;
  let result: CliResult;
  let report: TuningReport;
  beforeAll(async () => {
    const how = `--model lightgbm --symbol MES --horizon 20 --folds 2 --workers 1 --trials ${TRIALS} --pruner median --nested --pbo --refit train_val`;
    result = await succeeds(
      ["tune", ...how.split(" "), "--set", "training.num_boost_round=20", "--run-id", "nested", "--json"],
      { cwd },
    );
    report = tuningReportOf(cwd, "nested", JOB);
  });

  it("answers each outer fold by what was tuned without it, in a study of its own", async () => {
    const { nested, cv } = report;
    expect(nested?.folds.map(({ fold, trials }) => [fold, trials])).toEqual([
      [0, TRIALS],
      [1, TRIALS],
    ]);
    // The same rows, and other answers than those of the trial that was chosen by them.
    const rows = (matrix: readonly (readonly number[])[]): number[] =>
      matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
    expect(rows(nested!.metrics.confusion_matrix)).toEqual(rows(cv.metrics.confusion_matrix));
    expect(nested!.prior).toEqual(cv.prior);
    expect(nested!.value).toBe(nested!.metrics.log_loss);
    expect(nested!.value).not.toBe(report.best.value);
    for (const fold of [0, 1]) {
      const study = await readByOptuna(report.study.file, `${JOB}_outer${fold}`);
      const best = study.trials.find(({ number }) => number === study.best);
      expect(counted(study)).toHaveLength(TRIALS);
      expect(nested!.folds[fold]).toMatchObject({ value: best?.value, params: best?.params });
    }
    expect(report.seconds.nested).toBeGreaterThan(0);
  });

  it("has a probability of overfitting over all trials, and shows that part's own progress", () => {
    const { overfitting, counts, trials } = report;
    expect(counts.pruned).toBeGreaterThan(0);
    expect(overfitting).toMatchObject({
      ...{ compared: TRIALS, pruned_finished: counts.pruned, survivors_only: false },
    });
    // What was finished for this is none of the study's results.
    expect(trials.filter(({ state, value }) => state === "pruned" && value === null)).toHaveLength(counts.pruned);
    const progress = result.events.filter(({ event, stage }) => event === "progress" && stage === "pbo");
    expect(progress.map(({ step, total }) => [step, total])).toEqual(
      Array.from({ length: counts.pruned + 1 }, (_, step) => [step, counts.pruned]),
    );
  });

  it("fits the winner for the median best round of its folds, on rows that would have stopped it as well", () => {
    const { refit, best, trials } = report;
    const rounds = trials[best.slot]!.best_epochs!;
    expect(rounds).toHaveLength(2);
    expect(refit).toMatchObject({ rows: "train_val", epochs: best.refit_epochs });
    expect(best.refit_epochs).toBeGreaterThanOrEqual(Math.min(...rounds));
    expect(best.refit_epochs).toBeLessThanOrEqual(Math.max(...rounds));
    const own: Report = reportSchema.parse(readJson(runDir("nested", "reports", `${JOB}_report.json`)));
    expect(own.rows.stop.rows).toBe(0);
    expect(own.training_metrics).toMatchObject({ total_epochs: Math.max(1, refit.epochs!), early_stopped: false });
    expect(own.rows.train.rows).toBeGreaterThan(2700);
    // Who fits it again by its file gets the rounds that stop it, not these.
    expect(readFileSync(runDir("nested", "tuned", `${JOB}.yaml`), "utf8")).toMatch(/^ {2}num_boost_round: 20$/m);
  });
});

describe("four workers, for the Sharpe ratio", () => {
  const JOB = "lightgbm_MES_h20";
  const four = (id: string, ...args: string[]) => {
    const how = "--model lightgbm --symbol MES --horizon 20 --folds 2 --metric sharpe --no-test --studies s-four";
    const short = ["--set", "training.num_boost_round=20"];
    return succeeds(["tune", ...how.split(" "), ...short, "--workers", "4", "--run-id", id, ...args], { cwd });
  };
  const paramsOf = ({ trials }: Pick<TuningReport, "trials">): string[] =>
    trials.map(({ params }) => JSON.stringify(Object.entries(params).sort()));
  let first: TuningReport;
  beforeAll(async () => {
    await four("four", "--trials", "10");
    first = tuningReportOf(cwd, "four", JOB);
  });

  it("try ten different settings in the first ten trials", () => {
    expect(first.trials.map(({ slot, state }) => [slot, state])).toEqual(
      Array.from({ length: 10 }, (_, slot) => [slot, "complete"]),
    );
    expect(new Set(paramsOf(first)).size).toBe(10);
  });

  it("find the greatest, which is the best of Optuna too, and judge it by sessions", async () => {
    const { best, trials, gain, overfitting, refit, pruner } = first;
    expect(best.value).toBe(Math.max(...trials.map(({ value }) => value!)));
    const study = await readByOptuna(first.study.file, JOB);
    expect(study.direction).toBe("maximize");
    expect(study.trials.find(({ number }) => number === study.best)?.value).toBe(best.value);
    expect([gain?.basis, pruner]).toEqual(["sessions", "none"]);
    // Two weeks of sessions do not make four blocks of a week.
    expect(overfitting).toBeNull();
    expect(refit.test).toBeNull();
  });

  it("go on with a study that is there, up to the trials that it is to hold", async () => {
    await four("more", "--trials", "11", "--workers", "1");
    const { trials, run_id, gain, best } = tuningReportOf(cwd, "more", JOB);
    expect([trials.length, run_id]).toEqual([11, "more"]);
    expect(trials.slice(0, 10)).toEqual(first.trials);
    expect([best.is_default, gain?.basis]).toEqual([false, "sessions"]);
    expect(counted(await readByOptuna(first.study.file, JOB))).toHaveLength(11);
  });
});
