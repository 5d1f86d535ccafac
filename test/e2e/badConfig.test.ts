/** What the built command says to bad YAML and bad `--set`: place, what was got, what is allowed; no run, nothing polluted. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyFolder, foldwise } from "./cli.js";
import { eachOf, expectRefusal, filesBelow } from "./refusal.js";
import { warm } from "./warm.js";

let cwd: string;
beforeAll(() => {
  cwd = emptyFolder();
  const bars = Array.from({ length: 400 }, (_, i) => `${new Date(Date.UTC(2020, 0, 1 + i)).toISOString()},10,11,9,10`);
  writeFileSync(join(cwd, "bars.csv"), `timestamp,open,high,low,close\n${bars.join("\n")}\n`);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

// Configuration comes before data, so that there is no need of any.
const TRAIN = ["train", "--model", "xgboost", "--symbol", "MES", "--horizon", "5", "--runs", "runs"];
const PREPARE = ["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close", "--out", "out"];

async function refused(args: readonly string[], patterns: readonly RegExp[], folder = cwd): Promise<void> {
  expectRefusal(await warm(args, { cwd: folder }), patterns);
  expect([...filesBelow(join(folder, "runs")), ...filesBelow(join(folder, "out"))]).toEqual([]);
}

let files = 0;
function yaml(text: string): string {
  const name = `f${files++}.yaml`;
  writeFileSync(join(cwd, name), text);
  return name;
}

type Case = [what: string, text: string, patterns: RegExp[]];
const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(", ")}]`);
/** Refused whatever the file is for. */
const anywhere: Case[] = [
  ["an anchor bomb", `l0: &l0 [x]\n${levels.join("\n")}\n`, [/aliases multiply/]],
  ["an alias of itself", "a: &a [*a]\n", [/alias/]],
  ["a key twice", "seed: 1\nseed: 2\n", [/\.yaml:2:1/, /unique/]],
  ["brackets without end", `a: ${"[".repeat(100_000)}`, [/nested/]],
  ["a file of two megabytes", `a: "${"x".repeat(2 << 20)}"\n`, [/larger than 1024 KiB/]],
  ["two documents", "a: 1\n---\nb: 2\n", [/\.yaml:2:1|\.yaml:3:1/, /document/]],
  ["a list", "- a\n", [/mapping/]],
  ["a tag that would make an object", "a: !!js/function 'x'\n", [/\.yaml:1:4/, /tag/i]],
  ["broken syntax", "a: [1, 2\nb: 3\n", [/\.yaml:2:1|\.yaml:1/]],
];
const ofTrain: Case[] = [
  ["an unknown key", "model_params:\n  max_dept: 3\n", [/\.yaml:2:3/, /did you mean "max_depth"/]],
  ["an unknown key of the training file", "sed: 3\n", [/\.yaml:1:1/, /did you mean "seed"/]],
  ["a wrong type", "model_params:\n  max_depth: deep\n", [/\.yaml:2:14/, /whole number from 0 to 24/, /"deep"/]],
  ["NaN", "model_params:\n  learning_rate: .nan\n", [/\.yaml:2:18/, /got NaN/]],
  ["infinity", "model_params:\n  learning_rate: .inf\n", [/\.yaml:2:18/, /got Infinity/]],
  ["a number that no seed is", "seed: 99999999999999999999\n", [/\.yaml:1:7/, /4294967295/]],
  ["an unknown model", "models:\n  xgbost: {}\n", [/\.yaml:2:3/, /did you mean "xgboost"/]],
  ["a prototype as key", "__proto__:\n  seed: 1\n", [/\.yaml:1:1/, /__proto__/]],
  ["a prototype as model", "models:\n  __proto__:\n    model_params: {max_depth: 3}\n", [/\.yaml:2:3/, /__proto__/]],
  ["a constructor as model", "models:\n  constructor:\n    model_params: {max_depth: 3}\n", [/constructor/]],
  ["a symbol that is a path", "grid:\n  symbols: [../../x]\n", [/\.yaml:2:13/, /"\.\.\/\.\.\/x"/]],
  ["a plug-in that is not there", "plugins: [nowhere.mjs]\n", [/nowhere\.mjs/]],
];
const ofPrepare: Case[] = [
  ["an unknown key", "label:\n  entry: close\n  target_neutrl: 0.3\n", [/\.yaml:3:3/, /target_neutral/]],
  ["a wrong type", "max_gap: many\n", [/\.yaml:1:10/, /max_gap/]],
  ["an indicator that does not exist", "features:\n  base:\n    rsj: [14]\n", [/\.yaml:3:5/, /did you mean "rsi"/]],
  ["shares that are no whole", "split: {train: 0.7, val: 0.2, test: 0.2}\n", [/\.yaml:1:/, /add up to 1/]],
  ["a prototype", "label:\n  __proto__: {k: 1}\n", [/\.yaml:2:3/, /__proto__/]],
];

describe("--config is refused for", () => {
  // Both commands read YAML by the same reader, so they take turns.
  it.each(anywhere.map((entry, k) => [...entry, k % 2 === 0 ? TRAIN : PREPARE] as const))(
    "%s",
    async (_, text, patterns, command) => {
      const file = yaml(text);
      const start = performance.now();
      await refused([...command, "--config", file], [...patterns, new RegExp(file)]);
      expect(performance.now() - start).toBeLessThan(30_000);
    },
  );

  it.each(ofTrain)("%s, by train", (_, text, patterns) => refused([...TRAIN, "--config", yaml(text)], patterns));

  it.each(ofPrepare)("%s, by prepare", (_, text, patterns) => refused([...PREPARE, "--config", yaml(text)], patterns));

  it("a file that is not there, or a folder", async () => {
    await refused([...TRAIN, "--config", "nowhere.yaml"], [/nowhere\.yaml: there is no such file/]);
    await refused([...PREPARE, "--config", "."], [/folder/]);
  });
});

it("the user's own config/ is read, and refused at its line", async () => {
  const own = join(cwd, "own");
  mkdirSync(join(own, "config", "models"), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(own, "config", name), text);
  write("training.yaml", "training:\n  boosting:\n    num_boost_rounds: 5\n");
  await refused(TRAIN, [/training\.yaml:3:5/, /did you mean "num_boost_round"/], own);
  write("training.yaml", "seed: 3\n");
  write(join("models", "xgboost.yaml"), "model_params:\n  max_depth: '4'\n");
  await refused(TRAIN, [/xgboost\.yaml:2:14/, /whole number/], own);
  write("prepare.yaml", "horizon: [5]\n");
  await refused(["prepare", "../bars.csv", "--symbol", "MES"], [/prepare\.yaml:1:1/, /did you mean "horizons"/], own);
});

const settings: [set: string, patterns: RegExp[]][] = [
  ["model_params.max_dept=3", [/did you mean "model_params\.max_depth"/]],
  ["max_depth=3", [/did you mean "model_params\.max_depth"/]],
  ["model_params.max_depth", [/key=value/]],
  ["model_params.max_depth=deep", [/whole number/, /"deep"/]],
  ["model_params.learning_rate=.nan", [/got NaN/]],
  ["seed=&a [*a]", [/alias/]],
  ["__proto__.polluted=1", [/key=value/]],
  ["constructor.prototype.polluted=1", [/unknown key "constructor"/]],
  ["models.constructor.model_params.max_depth=3", [/no model named "constructor"/]],
];
it("a FOLDWISE_PYTHON that does not run is named, not the packages that it lacks", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "python"), "#!/bin/sh\nexit 7\n", { mode: 0o755 });
  for (const [python, why] of [
    ["/no/such/python", /there is no \/no\/such\/python/],
    [join(folder, "python"), /does not run/],
  ] as const) {
    const result = await foldwise(TRAIN, { cwd, env: { FOLDWISE_PYTHON: python } });
    expectRefusal(result, [/FOLDWISE_PYTHON names/, why, /Correct or unset FOLDWISE_PYTHON/]);
  }
  rmSync(folder, { recursive: true });
});

it("--set is refused with what was meant", async () => {
  await eachOf(settings, 2, ([set, patterns]) => refused([...TRAIN, "--set", set], patterns));
  await refused([...PREPARE, "--set", "label.target_neutrl=0.3"], [/did you mean "target_neutral"/]);
  await refused([...PREPARE, "--set", "features.include=[rsi_15x]"], [/rsi_15x/]);
  await refused([...TRAIN, "--set", "seed=1", "--set", "seed=2"], [/seed is set twice/]);
  expect(existsSync(join(cwd, ".foldwise"))).toBe(false);
});
