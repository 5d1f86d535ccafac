/** `foldwise tune` given what cannot be tuned: it is refused with what to do, and nothing is half written or lost. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, foldwise, ROOT } from "./cli.js";
import { bareSplits, preparedFolder, succeeds } from "./fixture.js";
import { expectRefusal, filesBelow } from "./refusal.js";
import { counted, readByOptuna, tuningReportOf } from "./studies.js";
import { warm, warmSucceeds } from "./warm.js";

const JOB = "logistic_MES_h20";
const LOGISTIC = ["--model", "logistic", "--symbol", "MES", "--horizon", "20", "--folds", "2", "--workers", "1"];
let cwd: string;
const tune = (...args: string[]): string[] => ["tune", ...LOGISTIC, ...args];
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const db = (studies = "experiments/studies"): string => join(cwd, studies, `${JOB}.db`);

beforeAll(async () => {
  cwd = await preparedFolder();
  await succeeds(tune("--trials", "3", "--run-id", "first"), { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("a search space that makes no sense is refused with its place, before anything is written", () => {
  it.each([
    ["model_params.C: {low: 5, high: 1}", /bad\.yaml:2:\d+: .*low 5 above high 1/],
    ["model_params.C: {low: 0}", /bad\.yaml:2:\d+: .*log scale from 0; low must be above 0/],
    ["model_params.c: {low: 1}", /bad\.yaml:2:\d+: .*did you mean "model_params\.C"/],
    ['"*": null', /There is nothing to search for logistic/],
  ])("%s", async (line, message) => {
    writeFileSync(join(cwd, "bad.yaml"), `search_space:\n  ${line}\n`);
    const before = filesBelow(join(cwd, "experiments", "studies"));
    const refused = await warm(tune("--config", "bad.yaml", "--trials", "2", "--run-id", "refused"), { cwd });
    expectRefusal(refused, [message]);
    expect(filesBelow(join(cwd, "experiments", "studies"))).toEqual(before);
    rmSync(runDir("refused"), { recursive: true, force: true });
  });
});

it("a Sharpe ratio is refused of data without returns, with the metrics that they give, and no study is begun", async () => {
  await bareSplits(cwd, join(cwd, "bare"));
  const args = tune("--data", "bare", "--metric", "sharpe", "--studies", "s-bare", "--run-id", "bare");
  expectRefusal(await warm(args, { cwd }), [
    /The Sharpe ratio cannot be tuned for: The dataset has no return_h20\./,
    /--metric logloss \(the default\), brier, accuracy, f1_macro or mcc/,
  ]);
  expect(filesBelow(join(cwd, "s-bare"))).toEqual([]);
});

describe("a study that was made for something else", () => {
  it.each([
    ["metric", ["--metric", "brier"], /made for another metric\./],
    ["space", ["--config", "narrow.yaml"], /made for another search space\./],
    ["folds", ["--folds", "3"], /made for other folds/],
    ["settings", ["--set", "model_params.max_iter=77"], /made for other settings of what is not searched\./],
    ["seeds", ["--seed", "8"], /made for other seeds\./],
  ])("%s is refused, and left as it is", async (_, args, message) => {
    writeFileSync(join(cwd, "narrow.yaml"), "search_space:\n  model_params.C: {high: 1}\n");
    const before = readFileSync(db());
    expectRefusal(await warm(tune("--trials", "3", ...args, "--run-id", "refused"), { cwd }), [
      message,
      /Begin a new one with --new/,
    ]);
    expect(readFileSync(db()).equals(before)).toBe(true);
    expect(tuningReportOf(cwd, "first", JOB).trials).toHaveLength(3);
    rmSync(runDir("refused"), { recursive: true, force: true });
  });

  it("dataset is refused too", async () => {
    const args = tune("--trials", "3", "--data", "bare", "--run-id", "refused");
    expectRefusal(await warm(args, { cwd }), [/made for another dataset/]);
    rmSync(runDir("refused"), { recursive: true, force: true });
  });

  it("is kept under another name by --new, whole", async () => {
    const { stderr } = await warmSucceeds(tune("--trials", "2", "--metric", "brier", "--new", "--run-id", "new"), {
      cwd,
    });
    const [aside, ...more] = readdirSync(join(cwd, "experiments", "studies")).filter((name) =>
      name.includes(".before-"),
    );
    expect(more).toEqual([]);
    expect(stderr).toContain(`The study before lies in ${join(cwd, "experiments", "studies", aside!)}`);
    const [old, own] = await Promise.all([
      readByOptuna(join(cwd, "experiments", "studies", aside!), JOB),
      readByOptuna(db(), JOB),
    ]);
    expect(counted(old).map(({ value }) => value)).toEqual(
      tuningReportOf(cwd, "first", JOB).trials.map(({ value }) => value),
    );
    expect(counted(own)).toHaveLength(2);
    expect(tuningReportOf(cwd, "new", JOB)).toMatchObject({ metric: "brier", counts: { complete: 2 } });
  });
});

it("a study's file that cannot be read is moved aside as it is, and a new study is begun", async () => {
  const garbage = `SQLite format 3${"\0"}${"no database ".repeat(500)}`;
  mkdirSync(join(cwd, "s-bad"));
  writeFileSync(db("s-bad"), garbage);
  const { stderr } = await warmSucceeds(tune("--trials", "1", "--studies", "s-bad", "--run-id", "bad"), { cwd });
  const aside = readdirSync(join(cwd, "s-bad")).find((name) => name.includes(".db.corrupt-"));
  expect(readFileSync(join(cwd, "s-bad", aside!), "utf8")).toBe(garbage);
  expect(stderr).toContain(`cannot be read as a study and was moved to ${join(cwd, "s-bad", aside!)}`);
  expect(counted(await readByOptuna(db("s-bad"), JOB))).toMatchObject([{ state: "complete", attrs: { slot: 0 } }]);
  const { notices, best } = tuningReportOf(cwd, "bad", JOB);
  expect(notices.join("\n")).toContain("was moved to");
  expect(best.is_default).toBe(true);
});

describe("a model whose every fit fails", () => {
  let failed: CliResult;
  beforeAll(async () => {
    const example = pathToFileURL(join(ROOT, "examples", "plugins", "nearest_centroid", "nearest_centroid.js"));
    writeFileSync(
      join(cwd, "fails.mjs"),
      `import centroid from ${JSON.stringify(example.href)};
export default (context) => ({
  ...centroid(context),
  id: "fails",
  searchSpace: { "model_params.sharpness": { type: "float", low: 0.1, high: 10, log: true } },
  create: ({ model_params: { sharpness } }) => ({
    async fit() { throw new Error("no centre for sharpness " + (sharpness === 1 ? "one" : "another")); },
  }),
});
`,
    );
    const args = ["tune", "--plugin", "fails.mjs", "--model", "fails", ...LOGISTIC.slice(2), "--trials", "30"];
    failed = await foldwise([...args, "--run-id", "fails"], { cwd });
  });

  it("is given up after five trials, with the cause of the first", async () => {
    expect([1, 2]).toContain(failed.code);
    expect(failed.stderr).toMatch(
      /^error: fails_MES_h20: All 5 trials failed; the first: .*no centre for sharpness one/m,
    );
    expect(failed.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(runDir("fails"), "tuned"))).toBe(false);
    const { trials } = await readByOptunaOfFailed();
    expect(trials.map(({ state, attrs }) => [attrs.slot, state])).toEqual(
      [0, 1, 2, 3, 4].map((slot) => [slot, "fail"]),
    );
  });

  const readByOptunaOfFailed = () =>
    readByOptuna(join(cwd, "experiments", "studies", "fails_MES_h20.db"), "fails_MES_h20");
});

it("time that is up before the first trial leaves the defaults, and is told", async () => {
  const args = tune("--trials", "500", "--timeout", "1s", "--studies", "s-time", "--run-id", "time");
  const { stdout } = await warmSucceeds(args, { cwd });
  const { out_of_time, target, trials } = tuningReportOf(cwd, "time", JOB);
  expect([out_of_time, target]).toEqual([true, 500]);
  expect(trials[0]).toMatchObject({ slot: 0, state: "complete" });
  expect(trials.length).toBeLessThan(100);
  expect(stdout).toMatch(/Trials: \d+ of 500: time was up/);
});
