/** `foldwise models --space`: what tuning may change, the person's own files included. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emptyFolder, foldwise, ROOT } from "./cli.js";

let cwd: string;
beforeAll(() => {
  cwd = emptyFolder();
  mkdirSync(join(cwd, "config", "models"), { recursive: true });
  writeFileSync(
    join(cwd, "config", "models", "svm.yaml"),
    "model_params: {gamma: 0.01}\nsearch_space:\n  model_params.C: {high: 1}\n  training.class_weight: {type: categorical, choices: [none, balanced]}\n",
  );
  writeFileSync(join(cwd, "voting.yaml"), "search_space:\n  model_params.voting: null\n");
  writeFileSync(join(cwd, "bad.yaml"), "search_space:\n  model_params.shrinkage: {low: 0}\n");
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

it("shows a table for each model that is named", async () => {
  const { code, stdout, stderr } = await foldwise(["models", "--space", "svm,catboost"], { cwd });
  expect(code, stderr).toBe(0);
  const [svm = "", catboost = ""] = stdout.split("\n\n");
  expect(svm.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    [expect.stringMatching(/^svm: /)],
    ["dimension", "type", "range", "scale", "default", "condition"],
    ["model_params.C", "float", "0.001 to 1", "log", "0.1"],
    ["model_params.gamma", "float", "0.00001 to 0.1", "log", "0.01"],
    ["training.class_weight", "categorical", "none, balanced", "–", "none"],
  ]);
  expect(catboost).toMatch(/model_params\.subsample .* where model_params\.bootstrap_type is Bernoulli or MVS\n/);
  expect(catboost).toMatch(
    /model_params\.bagging_temperature .* null \(outside\) +where model_params\.bootstrap_type is Bayesian \(it is not\)/,
  );
});

it("gives the same as data, with what --config changes", async () => {
  const { events } = await foldwise(["models", "--space", "voting", "--config", "voting.yaml", "--json"], { cwd });
  expect(events.at(-1)).toEqual({
    event: "finished",
    status: "succeeded",
    models: [
      {
        model: "voting",
        search_space: {
          "model_params.weights": {
            type: "categorical",
            choices: ["equal", "fitted", "greedy"],
            default: "fitted",
            default_within: true,
            drawn: true,
          },
          "model_params.shrinkage": {
            type: "float",
            low: 0.1,
            high: 1000,
            log: true,
            when: { key: "model_params.weights", in: ["fitted"] },
            default: 10,
            default_within: true,
            drawn: true,
          },
          "model_params.greedy_rounds": {
            type: "int",
            low: 5,
            high: 100,
            log: true,
            when: { key: "model_params.weights", in: ["greedy"] },
            default: 25,
            default_within: true,
            drawn: true,
          },
        },
      },
    ],
  });
});

it("says what a configured list, or a condition, keeps from being drawn", async () => {
  writeFileSync(join(cwd, "weights.yaml"), "model_params: {bases: [lightgbm, logistic], weights: [0.7, 0.3]}\n");
  const { stdout } = await foldwise(["models", "--space", "voting", "--config", "weights.yaml"], { cwd });
  expect(stdout).toMatch(/model_params\.weights .* \[0\.7,0\.3\] \(outside\) +not drawn: a list is configured\n/);
  expect(stdout).toMatch(/model_params\.shrinkage .* where model_params\.weights is fitted \(it is not\)\n/);
});

it("shows a plug-in's, and says where nothing is tuned", async () => {
  const plugin = (name: string) => join(ROOT, "examples", "plugins", name, `${name}.js`);
  const args = ["models", "--space", "extra_trees,nearest_centroid"];
  const plugins = ["--plugin", plugin("extra_trees"), "--plugin", plugin("nearest_centroid")];
  const { stdout } = await foldwise([...args, ...plugins], { cwd });
  expect(stdout).toMatch(/model_params\.max_depth +int +3 to 16 +linear +8\n/);
  expect(stdout).toMatch(/nearest_centroid: .*\nNothing is tuned/);
});

it.each([
  [["--space", "votng"], 'There is no model named "votng"; did you mean "voting"?'],
  [
    ["--space", "voting", "--config", "bad.yaml"],
    "bad.yaml:2:33: search_space.model_params.shrinkage has a log scale from 0; low must be above 0.",
  ],
])("refuses %j", async (args, message) => {
  const { code, stderr } = await foldwise(["models", ...args], { cwd });
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
