/** Among how many configurations a cross-validation's best was found, by what the runs folder keeps: noise, then one that knows something. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { type Choice, parseSelection } from "../../src/report/index.js";
import { choiceOf } from "../../src/training/compare/choice.js";
import { resultsOf } from "../../src/training/compare/results.js";
import { trialsOf } from "../../src/training/compare/trials.js";
import { seededRandom } from "../../src/types/index.js";
import { emptyFolder } from "./cli.js";
import { query, succeeds } from "./fixture.js";

let cwd: string;
const runs = (): string => join(cwd, "experiments", "runs");
const CV = ["cv", "--symbol", "TOY", "--horizon", "5", "--folds", "3"];

/** Hourly bars of a random walk: features of noise, and `hint`, which knows something of the next five hours, where asked for. */
async function writeRows(folder: string, hint: boolean): Promise<void> {
  const random = seededRandom(2);
  const step = Array.from({ length: 1605 }, () => random.normal());
  const ahead = step.map((_, i) => step.slice(i + 1, i + 6).reduce((sum, value) => sum + value, 0));
  const stamp = (hour: number): string => new Date(Date.UTC(2024, 0, 1) + 3_600_000 * hour).toISOString();
  const lines = ahead.slice(0, 1600).map((move, i) => {
    const label = move > 1 ? 1 : move < -1 ? -1 : 0;
    const noise = [random.normal(), random.normal(), random.normal()];
    return [stamp(i), ...noise, ...(hint ? [move + 2 * random.normal()] : []), label, stamp(i + 5), move / 1000].join();
  });
  const names = ["timestamp", "a", "b", "c", ...(hint ? ["hint"] : []), "label_h5", "label_end_h5", "return_h5"];
  const path = join(cwd, folder, "TOY.parquet");
  mkdirSync(dirname(path));
  writeFileSync(join(cwd, "rows.csv"), [names.join(), ...lines].join("\n"));
  const columns = "* REPLACE (a::FLOAT AS a, b::FLOAT AS b, c::FLOAT AS c)";
  await query(`COPY (SELECT ${columns} FROM '${join(cwd, "rows.csv")}') TO '${path}' (FORMAT parquet)`);
}

const choiceIn = (id: string): Choice => {
  const path = join(runs(), id, "reports", "TOY_h5_selection.json");
  return parseSelection(readFileSync(path, "utf8"), path).choice!;
};

beforeAll(async () => {
  cwd = emptyFolder();
  await writeRows("noise", false);
  await writeRows("hint", true);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("configurations of noise", () => {
  it("are told as what they are: likely overfitted, and none of them significant", async () => {
    const models = ["--model", "logistic,svm,random_forest"];
    const { stdout } = await succeeds([...CV, ...models, "--data", "noise", "--run-id", "noise"], { cwd });
    expect(stdout).toMatch(/^Selection: 3 configurations tried \(3 of this run\), worth [\d.]+ independent ones/m);
    const choice = choiceIn("noise");
    expect(choice).toMatchObject({ basis: "gross", not_compared: [], periods: 58 });
    expect(choice.overfitting).toMatchObject({ blocks: 10, splits: 252, periods: 50 });
    expect(choice.overfitting!.probability).toBeGreaterThan(0.2);
    expect(choice.deflated_sharpe!.probability).toBeLessThan(0.9);
  });
});

describe("one that knows something", () => {
  it("is found among those of the other run, on whose sessions it is compared", async () => {
    const args = ["--model", "logistic", "--data", "hint", "--run-id", "hint", "--prior-trials", "4"];
    const { stdout } = await succeeds([...CV, ...args], { cwd });
    expect(stdout).toMatch(/Selection: 8 configurations tried \(1 of this run, 3 of other runs, 4 by --prior-trials\)/);
    const choice = choiceIn("hint");
    expect(choice.compared.map(({ run_id }) => run_id)).toEqual(["hint", "noise", "noise", "noise"]);
    expect(choice.configurations.effective).toBeGreaterThan(4);
    expect(choice.overfitting!.probability).toBeLessThan(0.05);
    expect(choice.deflated_sharpe).toMatchObject({ best: { run_id: "hint", model_name: "logistic" } });
    expect(choice.deflated_sharpe!.probability).toBeGreaterThan(0.95);
    const shown = await succeeds(["report", "hint"], { cwd });
    expect(shown.stdout).toContain(stdout.slice(stdout.indexOf("Selection:"), stdout.indexOf("\n\n1 of 1 jobs")));
  });
});

describe("what the runs folder holds", () => {
  /** A run's folder under another name, with something changed in one of its files. */
  const copy = (id: string, file = "run.json", change: (text: string) => string = (text) => text): void => {
    cpSync(join(runs(), "noise"), join(runs(), id), { recursive: true });
    const rewrite = (name: string, with_: (text: string) => string): void => {
      const path = join(runs(), id, name);
      writeFileSync(path, with_(readFileSync(path, "utf8")));
    };
    rewrite(file, change);
    rewrite("run.json", (text) => text.replace('"run_id": "noise"', `"run_id": "${id}"`));
  };
  const REPORT = "reports/logistic_TOY_h5_cv.json";
  const tried = () => trialsOf(Run.open(runs(), "hint"), { symbol: "TOY", horizon: 5 });
  const others = (): string[] =>
    tried()
      .trials.slice(1)
      .map(({ run, job }) => `${run.id} ${job.model}`)
      .sort();
  const noise = ["noise logistic", "noise random_forest", "noise svm"];

  it("counts a configuration once, of this symbol and horizon, tested at some of the same time", () => {
    copy("again");
    expect(others()).toHaveLength(3);
    copy("later", REPORT, (text) => text.replaceAll('"2024-', '"2034-'));
    copy("other", "run.json", (text) => text.replaceAll('"horizon": 5', '"horizon": 6'));
    copy("trained", "run.json", (text) => text.replace('"kind": "cv"', '"kind": "train"'));
    expect(others()).toHaveLength(3);
    for (const id of ["again", "later", "other", "trained"]) rmSync(join(runs(), id), { recursive: true });
    expect(others()).toEqual(noise);
  });

  it("counts what it cannot compare, and says why", async () => {
    copy("unreadable", REPORT, () => "{");
    copy("regularised", REPORT, (text) => text.replace(/"model_params": \{/, '"model_params": { "x": 1,'));
    copy("ungrossed", REPORT, (text) =>
      text.replace('"basis": "gross"', '"basis": "net"').replace(/"embargo": \d+/, '"embargo": 1'),
    );
    copy("short", REPORT, (text) =>
      text.replace(/"embargo": \d+/, '"embargo": 2').replaceAll(/"2024-0[1-2]-\d\d"/g, '"2023-01-01"'),
    );
    writeFileSync(join(runs(), "ungrossed", "..", "stray"), "no folder");
    mkdirSync(join(runs(), "damaged"));
    writeFileSync(join(runs(), "damaged", "run.json"), "{");
    const found = tried();
    expect(found).toMatchObject({ ofThisRun: 1, prior: 4, damaged: ["damaged"] });
    const run = Run.open(runs(), "hint");
    const own = new Map([["logistic_TOY_h5", await resultsOf(run, run.file.jobs[0]!, "oof")]]);
    const choice = await choiceOf(found, own);
    expect(choice.configurations).toMatchObject({ of_this_run: 1, of_other_runs: 7, prior_trials: 4 });
    expect(choice.compared.map(({ run_id }) => run_id)).toContain("regularised");
    expect(choice.not_compared.map(({ run_id, reason }) => `${run_id}: ${reason}`).sort()).toEqual([
      "short: less than half of this run's sessions in common with it and the others",
      "ungrossed: it has no trading figures gross of costs",
      "unreadable: its report cannot be read",
    ]);
  });
});
