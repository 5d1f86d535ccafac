/** The tuner through a real worker, and its files read by Optuna itself. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { findPython } from "../../../src/engine/index.js";
import { packageRoot } from "../../../src/files/index.js";
import { Reporter } from "../../../src/training/tuning/reporter.js";
import {
  type OpenedStudy,
  type Study,
  type StudySpec,
  type TrialRecord,
  Tuner,
} from "../../../src/training/tuning/tuner.js";
import { failureOf, workersOf } from "../../engine/support.js";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "foldwise-tuner-test-"));
let tuner: Tuner;
beforeAll(() => {
  tuner = Tuner.start({ cwd: folder });
});
afterAll(async () => {
  await tuner.close();
  rmSync(folder, { recursive: true });
});

const STEPS = 100;
const asking = {
  sampler: { kind: "tpe", seed: 7, constant_liar: false },
  target: 6,
  defaults: { rate: 0.1, leaves: 31, bagged: false },
  owner: { run: "20260101_120000" },
} as const;

function spec(name: string, more: Partial<StudySpec> = {}): StudySpec {
  return {
    file: `${name}.db`,
    name,
    direction: "minimize",
    space: [
      { type: "float", name: "rate", when: null, low: 0.01, high: 0.5, log: true },
      { type: "int", name: "leaves", when: null, low: 7, high: 127, log: false, step: 4 },
      { type: "categorical", name: "bagged", when: null, choices: [true, false] },
      { type: "float", name: "fraction", when: { name: "bagged", values: [true] }, low: 0.3, high: 1, log: false },
    ],
    pruner: { kind: "median", startup: 2, warmup: 10 },
    steps_per_fold: STEPS,
    ...more,
  };
}

/** Two folds of each trial, reported every tenth round; the later ones are worse, so that they are pruned. */
async function runTrials({ study }: OpenedStudy, trials: number): Promise<void> {
  for (let i = 0; i < trials; i++) {
    const trial = await study.ask(asking);
    if (trial === null) throw new Error("There is no trial to run.");
    let prune: number | null = null;
    for (let fold = 0; fold < 2 && prune === null; fold++) {
      for (let round = 10; round <= STEPS && prune === null; round += 30) {
        prune = await study.report(trial.number, [[fold * STEPS + round, trial.slot + 1 / round]], 0);
      }
    }
    await study.tell(trial.number, prune === null ? { state: "complete", value: trial.slot } : { state: "pruned" }, {
      rounds: [trial.slot, 20],
    });
  }
}

const READ = `
import json, sys
import optuna
study = optuna.load_study(study_name=sys.argv[2], storage="sqlite:///" + sys.argv[1])
print(json.dumps([
    [t.number, t.state.name.lower(), t.value, t.params, sorted(t.intermediate_values.items()), t.user_attrs]
    for t in study.trials
]))
`;

/** What Optuna itself finds in the file. */
async function readByOptuna(name: string): Promise<unknown> {
  const { python } = findPython({ cwd: packageRoot(), env: process.env });
  const { stdout } = await run(python, ["-c", READ, join(folder, `${name}.db`), name]);
  return JSON.parse(stdout);
}

const asOptuna = (trials: readonly TrialRecord[]): unknown =>
  trials.map(({ number, state, value, params, intermediate, attrs }) => [
    number,
    state,
    value,
    params,
    intermediate,
    attrs,
  ]);

test("a study is asked, reported to, pruned and told, and Optuna itself finds the same trials, states and values", async () => {
  const opened = await tuner.open(spec("whole"), { model: "lightgbm", folds: [3, 59] });
  expect(opened).toMatchObject({ created: true, attrs: { model: "lightgbm", folds: [3, 59] }, trials: [] });
  await runTrials(opened, 5);
  const lost = await opened.study.ask(asking);
  expect(await opened.study.ask(asking)).toBeNull();

  const trials = await opened.study.trials();
  expect(trials.map(({ slot, state }) => [slot, state])).toEqual([
    [0, "complete"],
    [1, "complete"],
    [2, "pruned"],
    [3, "pruned"],
    [4, "pruned"],
    [5, "running"],
  ]);
  expect(trials[0]).toMatchObject({ params: asking.defaults, attrs: { owner: asking.owner, rounds: [0, 20] } });
  expect(Object.keys(trials[0]?.params ?? {})).not.toContain("fraction");
  // Spared for as long as the rounds of warm-up.
  expect(trials[2]).toMatchObject({
    value: 2 + 1 / 40,
    intermediate: [
      [10, 2.1],
      [40, 2 + 1 / 40],
    ],
  });
  expect(Date.parse(trials[0]?.ended ?? "")).toBeGreaterThanOrEqual(Date.parse(trials[0]?.started ?? ""));
  expect(await readByOptuna("whole")).toEqual(asOptuna(trials));

  expect(await opened.study.requeue([0, 5])).toEqual([5]);
  const again = await opened.study.ask(asking);
  expect(again).toEqual({ ...lost, number: 6 });
  expect(Object.keys(await opened.study.importance(7)).sort()).toEqual(["bagged", "leaves", "rate"]);

  const reopened = await tuner.open(spec("whole"), { model: "another" });
  expect(reopened).toMatchObject({ created: false, attrs: { model: "lightgbm" } });
  expect(reopened.trials.map(({ state }) => state).slice(5)).toEqual(["fail", "running"]);
});

// The worker is found by /proc, which only Linux has.
test.skipIf(process.platform !== "linux")(
  "a worker that is killed between two steps is replaced, and the study goes on",
  async () => {
    const others = new Set(workersOf(process.pid));
    const own = Tuner.start({ cwd: folder });
    onTestFinished(() => own.close());
    const { study } = await own.open(spec("killed"), {});
    const trial = await study.ask(asking);
    const pids = workersOf(process.pid).filter((pid) => !others.has(pid));
    expect(pids).toHaveLength(1);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    expect(await study.report(trial?.number ?? -1, [[20, 0.5]], null)).toBeNull();
    await study.tell(trial?.number ?? -1, { state: "complete", value: 0.5 });
    expect(await study.trials()).toMatchObject([{ slot: 0, state: "complete", value: 0.5, intermediate: [[20, 0.5]] }]);
  },
);

test("a study file that is damaged is refused and left as it is", async () => {
  const file = join(folder, "damaged.db");
  writeFileSync(file, "timestamp,open,high,low,close\n".repeat(100));
  const failure = await failureOf(tuner.open(spec("damaged"), {}));
  expect(failure).toMatchObject({ code: "tuning.bad_study", exitCode: 2 });
  expect(failure.message).toContain(file);
  expect(failure.remedy).toContain("aside");
});

test("values that cannot end a trial go to the tuner with the next one that can, or at the trial's end, and all are kept", async () => {
  const kept = async ({ study }: OpenedStudy) => (await study.trials())[0]?.intermediate;
  const begin = async (name: string, more: Partial<StudySpec>) => {
    const opened = await tuner.open(spec(name, more), {});
    const trial = await opened.study.ask(asking);
    return { opened, reporter: new Reporter(opened.study, trial?.number ?? -1, () => {}) };
  };

  const median = await begin("held", { pruner: { kind: "median", startup: 0, warmup: 10 } });
  median.reporter.tell(5, 0.9);
  median.reporter.tell(10, 0.8);
  await median.reporter.settled();
  expect(await kept(median.opened)).toEqual([]);
  median.reporter.tell(20, 0.7);
  await median.reporter.settled();
  expect(await kept(median.opened)).toEqual([[5, 0.9], [10, 0.8], [20, 0.7]]); // biome-ignore format: a line

  const race = await begin("raced", { pruner: { kind: "race", startup: 0, quantile: 0.25, rows: [9, 9] } });
  race.reporter.tell(STEPS + 99, 0.9);
  await race.reporter.settled();
  expect(await kept(race.opened)).toEqual([]);
  race.reporter.tell(2 * STEPS, 0.8);
  await race.reporter.settled();
  expect(await kept(race.opened)).toEqual([[STEPS + 99, 0.9], [2 * STEPS, 0.8]]); // biome-ignore format: a line

  const none = await begin("unpruned", { pruner: { kind: "none" } });
  none.reporter.tell(20, 0.9);
  none.reporter.tell(STEPS, 0.8);
  await none.reporter.settled();
  expect(await kept(none.opened)).toEqual([]);
  await none.reporter.finish();
  expect(await kept(none.opened)).toEqual([[20, 0.9], [STEPS, 0.8]]); // biome-ignore format: a line
});

test("a step may end a trial after the warm-up of its fold, and at the fold's end, once enough trials are complete", async () => {
  const { study } = await tuner.open(spec("steps"), {});
  const steps = [1, 10, 11, STEPS, STEPS + 1, STEPS + 10, STEPS + 11, 2 * STEPS];
  const ending = (of: Study) => steps.filter((step) => of.mayPruneAt(step));
  for (const value of [0.9, 0.8]) {
    expect(ending(study)).toEqual([]);
    await study.tell((await study.ask(asking))!.number, { state: "complete", value });
  }
  expect(ending(study)).toEqual([11, STEPS, STEPS + 11, 2 * STEPS]);
  // Whoever goes on with the study knows of them with the first trial that it asks for.
  const again = (await tuner.open(spec("steps"), {})).study;
  await again.ask(asking);
  expect(ending(again)).toEqual(ending(study));
});
