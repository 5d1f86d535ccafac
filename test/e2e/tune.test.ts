/** `foldwise tune` by the built command: what a study holds, what kills leave of it, and what becomes of its winner. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { readBundle } from "../../src/artifacts/index.js";
import { parseCvReport, type Report, reportSchema } from "../../src/report/index.js";
import { type CliResult, foldwise } from "./cli.js";
import { largestDifference, preparedFolder, type Row, readJson, succeeds } from "./fixture.js";
import { runs, workersOf } from "./processes.js";
import { counted, outcomes, readByOptuna, tuningReportOf } from "./studies.js";
import { warm, warmSucceeds } from "./warm.js";

const JOB = "lightgbm_MES_h20";
/** More trials than the sampler draws before it learns from those before. */
const TRIALS = 12;
const TUNE = [
  "tune",
  ..."--model lightgbm --symbol MES --horizon 20 --folds 2 --workers 1 --json".split(" "),
  ..."--set training.num_boost_round=20".split(" "),
];
const tune = (id: string, ...args: string[]): string[] => [
  ...[...TUNE, "--trials", String(TRIALS), "--studies", `studies-${id}`, "--run-id", id, ...args],
];

let cwd: string;
let whole: CliResult;
beforeAll(async () => {
  cwd = await preparedFolder();
  whole = await succeeds(tune("whole", "--write-config"), { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const runDir = (id: string, ...parts: string[]): string => join(cwd, "experiments", "runs", id, ...parts);
const studyOf = (id: string) => readByOptuna(join(cwd, `studies-${id}`, `${JOB}.db`), JOB);
const reportOf = (id: string): Report => reportSchema.parse(readJson(runDir(id, "reports", `${JOB}_report.json`)));

/** Runs the command and sends a signal at the first output that matches; sees its workers end. */
async function stopped(args: readonly string[], at: RegExp, signal: NodeJS.Signals): Promise<CliResult> {
  let workers: number[] | undefined;
  const result = await foldwise(args, {
    cwd,
    onOutput: (text, child) => {
      if (workers !== undefined || !at.test(text)) return;
      workers = workersOf(child.pid!);
      child.kill(signal);
      // A terminal gives Ctrl-C to all of them.
      if (signal === "SIGINT") for (const worker of workers) process.kill(worker, signal);
    },
  });
  expect(workers, `it ended before it was stopped:\n${result.stdout}\n${result.stderr}`).not.toHaveLength(0);
  await vi.waitFor(() => expect((workers ?? []).filter(runs)).toEqual([]), { timeout: 5000, interval: 50 });
  return result;
}

/** Every slot has one trial that counts, and it has ended. */
async function expectEachOnce(id: string, wanted = TRIALS): Promise<void> {
  const trials = counted(await studyOf(id));
  expect(trials.map(({ attrs }) => attrs.slot)).toEqual(Array.from({ length: wanted }, (_, slot) => slot));
  expect(trials.filter(({ state }) => state !== "complete" && state !== "pruned")).toEqual([]);
}

describe("a study", () => {
  it("is what Optuna itself finds in its file: trials, states, values, parameters, and the best of them", async () => {
    const report = tuningReportOf(cwd, "whole", JOB);
    const { direction, best, trials } = await studyOf("whole");
    expect(report.study).toEqual({ file: join(cwd, "studies-whole", `${JOB}.db`), name: JOB });
    expect(direction).toBe(report.direction);
    expect(report.trials).toHaveLength(TRIALS);
    expect(
      trials.map(({ number, state, value, params, attrs }) => ({
        ...{ slot: attrs.slot, number, state, params },
        value: state === "complete" ? value : null,
      })),
    ).toEqual(report.trials.map(({ slot, number, state, value, params }) => ({ slot, number, state, params, value })));
    expect(report.trials.find(({ number }) => number === best)?.slot).toBe(report.best.slot);
    const { complete, pruned, failed } = report.counts;
    expect([complete + pruned, failed]).toEqual([TRIALS, 0]);
    expect(pruned).toBeGreaterThan(0);
  });

  it("is a race, in which the fold that costs the least is done first", async () => {
    expect(tuningReportOf(cwd, "whole", JOB).pruner).toBe("race");
    const rounds = 5;
    const how = `--model lightgbm --symbol MES --horizon 20 --folds 3 --trials 9 --workers 1 --no-test --studies studies-raced`;
    const sets = ["--set", `training.num_boost_round=${rounds}`];
    await warmSucceeds(["tune", ...how.split(" "), ...sets, "--run-id", "raced", "--json"], { cwd });
    const { trials } = tuningReportOf(cwd, "raced", JOB);
    const path = runDir("raced", "reports", `${JOB}_cv.json`);
    const rows = parseCvReport(readFileSync(path, "utf8"), path).folds.map(({ fit }) => fit.rows);
    // All folds of so few rounds take them all, and the middle one loses rows on both sides.
    expect(counted(await studyOf("raced"))[0]!.attrs.total_epochs).toEqual([rounds, rounds, rounds]);
    expect(rows.indexOf(Math.min(...rows))).toBe(1);
    const ends = trials.flatMap(({ state, pruned_at }) => (state === "pruned" ? [pruned_at] : []));
    expect(ends.length).toBeGreaterThan(1);
    expect(ends).toContain(2 * rounds);
    expect(ends).not.toContain(rounds);
  });

  it("begins with the defaults, and ends with nothing worse on the same folds", () => {
    const { trials, best, default: own, curve } = tuningReportOf(cwd, "whole", JOB);
    expect(trials[0]).toMatchObject({
      ...{ slot: 0, state: "complete", value: own?.value },
      // lambda_l1 is 0 by default, which is on no logarithm.
      params: { "model_params.learning_rate": 0.03, "model_params.num_leaves": 15, "model_params.lambda_l1": 0.001 },
    });
    expect(own?.fitted).toEqual({ "model_params.lambda_l1": 0 });
    const values = trials.flatMap(({ value }) => value ?? []);
    expect(best.value).toBe(Math.min(...values));
    expect(curve.at(-1)).toEqual({ slot: best.slot, best: best.value });
  });

  it("has the value of a trial as cross-validation has it", () => {
    const { best, cv } = tuningReportOf(cwd, "whole", JOB);
    const path = runDir("whole", "reports", `${JOB}_cv.json`);
    const report = parseCvReport(readFileSync(path, "utf8"), path);
    expect(report.cv.metrics.log_loss).toBeCloseTo(best.value, 12);
    expect(cv.metrics).toEqual(report.cv.metrics);
    expect(report.refit_epochs).toBe(best.refit_epochs);
    expect(report.folds.map(({ train_loss, stop_loss }) => [train_loss, stop_loss !== null])).toEqual([
      [null, true],
      [null, true],
    ]);
  });

  it("is shown again by `report`, `runs` and the last line of --json", async () => {
    const report = tuningReportOf(cwd, "whole", JOB);
    expect((await warmSucceeds(["report", "whole"], { cwd })).stdout).toContain(report.head_line);
    expect((await warmSucceeds(["runs", "whole"], { cwd })).stdout).toMatch(
      new RegExp(`tuned by out-of-fold log-loss.*\n(.*\n)*lightgbm +${TRIALS} `),
    );
    const { models, ...run } = whole.events.at(-1) as { models: Row[] } & Row;
    expect(run).toMatchObject({ event: "finished", status: "succeeded", run_id: "whole", run_dir: runDir("whole") });
    expect(models).toMatchObject([
      {
        ...{ job: JOB, model: "lightgbm", status: "succeeded", error: null, study: report.study.file },
        ...{ cv: report.cv.metrics, best: report.best, test: report.refit.test },
        tuned: runDir("whole", "tuned", `${JOB}.yaml`),
        bundle: runDir("whole", "models", JOB),
      },
    ]);
    const ended = whole.events.filter(({ event }) => event === "trial");
    expect(ended.map(({ slot, state }) => [slot, state])).toEqual(
      report.trials.map(({ slot, state }) => [slot, state]),
    );
  });

  it("is certain of no leak, and leaves nothing of its work", async () => {
    const { stdout } = await warmSucceeds(["audit", "whole"], { cwd });
    expect(stdout).toMatch(/^Leaks\? NONE FOUND/m);
    expect(stdout).toMatch(/^run +none +1 job: /m);
    const left = readdirSync(runDir("whole")).filter((name) => !name.startsWith("lock."));
    expect(left.sort()).toEqual(
      [
        "config.yaml",
        "events.ndjson",
        "models",
        "oof",
        "openings.ndjson",
        "predictions",
        "reports",
        "run.json",
        "tuned",
      ].sort(),
    );
  });
});

describe("a study that is killed", () => {
  it("and resumed, twice, equals an unbroken one, and no slot is finished twice", async () => {
    // Between two trials, and in the middle of one.
    const first = await stopped(tune("killed"), /"event":"trial","job":"\w+","slot":2,/, "SIGKILL");
    expect(first.code).toBeNull();
    const second = await stopped(
      ["resume", "killed", "--json"],
      /"stage":"trials","step":(4[2-9]|[5-9]\d|1\d\d)\d,/,
      "SIGKILL",
    );
    expect(second.code).toBeNull();
    await succeeds(["resume", "killed"], { cwd });
    await expectEachOnce("killed");
    const [broken, unbroken] = ["killed", "whole"].map((id) => tuningReportOf(cwd, id, JOB));
    expect(outcomes(broken!.trials)).toEqual(outcomes(unbroken!.trials));
    for (const part of ["best", "counts", "curve", "gain", "overfitting", "importance"] as const) {
      expect(broken![part], part).toEqual(unbroken![part]);
    }
    const predictions = (id: string): string => runDir(id, "predictions", `${JOB}.parquet`);
    expect(await largestDifference(predictions("killed"), predictions("whole"))).toMatchObject({ difference: 0 });
  });

  it("by Ctrl-C says how to go on, gives its trial back, and is finished by that", async () => {
    const { code, stderr } = await stopped(
      tune("int", "--trials", "4"),
      /"event":"trial","job":"\w+","slot":1,/,
      "SIGINT",
    );
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/foldwise resume int$/m);
    const { trials } = await studyOf("int");
    expect(trials.filter(({ state }) => state === "running")).toEqual([]);
    await succeeds(["resume", "int"], { cwd });
    await expectEachOnce("int", 4);
    expect(outcomes(tuningReportOf(cwd, "int", JOB).trials)).toEqual(
      outcomes(tuningReportOf(cwd, "whole", JOB).trials.slice(0, 4)),
    );
  });
});

describe("two processes on one study", () => {
  it("finish each slot once between them", async () => {
    const together = ["--studies", "studies-both", "--trials", "8"];
    const ended = await Promise.all(["both-a", "both-b"].map((id) => succeeds(tune(id, ...together), { cwd })));
    await expectEachOnce("both", 8);
    const trials = counted(await studyOf("both"));
    expect(new Set(trials.map(({ attrs }) => attrs.owner?.pid)).size).toBe(2);
    // What each has told adds up to the whole.
    const told = ended.flatMap(({ events }) => events.filter(({ event }) => event === "trial").map(({ slot }) => slot));
    expect(told.map(Number).sort((a, b) => a - b)).toEqual(trials.map(({ attrs }) => attrs.slot));
  });
});

describe("the winner", () => {
  const predictions = (id: string): string => runDir(id, "predictions", `${JOB}.parquet`);
  const train = (id: string, ...args: string[]): string[] => [
    ...["train", "--model", "lightgbm", "--symbol", "MES", "--horizon", "20", "--run-id", id, ...args],
  ];
  const yaml = (): string => runDir("whole", "tuned", `${JOB}.yaml`);

  it("is a bundle like any other, whose report says that it was tuned", async () => {
    const { manifest } = await readBundle(runDir("whole", "models", JOB));
    expect(manifest).toMatchObject({ model: "lightgbm", symbol: "MES", horizon: 20 });
    const { tuned, test } = reportOf("whole");
    expect(tuned).toEqual({ run_id: "whole", study: `${JOB}.db`, trials: TRIALS, metric: "logloss" });
    expect(tuningReportOf(cwd, "whole", JOB).refit.test).toEqual(test?.metrics);
    expect(readFileSync(runDir("whole", "openings.ndjson"), "utf8").trim().split("\n")).toHaveLength(1);
  });

  it("is fitted again from its file by --config, to the same answers, and stays marked", async () => {
    await succeeds(train("by-config", "--config", yaml()), { cwd });
    expect(await largestDifference(predictions("by-config"), predictions("whole"))).toMatchObject({ difference: 0 });
    expect(reportOf("by-config").tuned).toEqual(reportOf("whole").tuned);
    expect(reportOf("by-config").configuration).toEqual(reportOf("whole").configuration);
  });

  it("is taken by --tuned from the newest run that tuned it, and it is said which", async () => {
    const newest = runDir("whole");
    // What the tests before have left is newer.
    for (const id of readdirSync(join(newest, "..")))
      if (id !== "whole" && id !== "by-config") rmSync(runDir(id), { recursive: true });
    const { stderr } = await succeeds(train("by-flag", "--tuned"), { cwd });
    expect(stderr).toContain("lightgbm: settings tuned in run whole");
    expect(await largestDifference(predictions("by-flag"), predictions("whole"))).toMatchObject({ difference: 0 });
    expect(reportOf("by-flag").tuned).toEqual(reportOf("whole").tuned);
  });

  it("has its file copied by --write-config to the person's own folder", () => {
    expect(readFileSync(join(cwd, "config", "tuned", `${JOB}.yaml`), "utf8")).toBe(readFileSync(yaml(), "utf8"));
    expect(parse(readFileSync(yaml(), "utf8"))).toMatchObject({
      training: { num_boost_round: 20 },
      tuned: { run_id: "whole", symbol: "MES", horizon: 20, trials: TRIALS, rows: "train and validation" },
    });
  });

  it.each([
    [["--model", "lightgbm", "--horizon", "5,20"], /tuned for one symbol and one horizon; this call has 1 and 2/],
    [["--model", "svm", "--horizon", "20"], /has tuned svm for MES at horizon 20/],
    [["--model", "lightgbm", "--horizon", "5"], /has tuned lightgbm for MES at horizon 5/],
  ])("is refused to %j, before a run is made", async (args, message) => {
    const refused = await warm(["train", "--symbol", "MES", ...args, "--tuned", "--run-id", "refused"], { cwd });
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toMatch(message);
    expect(existsSync(runDir("refused"))).toBe(false);
  });
});
