/** `foldwise tune --model all`: two trials of every model, tiny. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readBundle } from "../../src/artifacts/index.js";
import { type CliResult, emptyFolder, foldwise } from "./cli.js";
import { type Row, succeeds } from "./fixture.js";
import { eachModel, MODELS } from "./models.js";
import { tuningReportOf } from "./studies.js";

const HORIZON = 5;
/** Small, and what is drawn is too; of a file's entries those of models that are not asked for count for nothing. */
const SMALL = `training:
  neural: {max_epochs: 2}
  boosting: {num_boost_round: 20}
models:
  lstm: &recurrent
    model_params: {hidden_size: 16, num_layers: 1}
    search_space: {model_params.hidden_size: {high: 24}}
  gru: *recurrent
  tcn:
    model_params: {channels: 8}
    search_space: {model_params.channels: {high: 16}}
  transformer:
    model_params: {d_model: 32, num_layers: 1, dim_feedforward: 32}
    search_space:
      model_params.d_model: {choices: [32]}
      model_params.num_layers: {high: 1}
      model_params.dim_feedforward: {high: 64}
  random_forest: {model_params: {n_estimators: 20}}
  voting: &ensemble {model_params: {bases: [logistic, lightgbm]}}
  blending: *ensemble
  stacking: {model_params: {bases: [logistic, lightgbm], folds: 2}}
`;

let cwd: string;
let result: CliResult;
beforeAll(async () => {
  cwd = emptyFolder();
  await succeeds(["demo-data", "--symbol", "MES", "--bars", "1500", "--out", "bars.csv"], { cwd });
  const few = ["--set", "features.timeframes=[]", "--set", "features.groups=[momentum]"];
  const prepare = ["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close", "--horizons", String(HORIZON)];
  await succeeds([...prepare, ...few], { cwd });
  writeFileSync(join(cwd, "small.yaml"), SMALL);
  const how = `--model all --symbol MES --horizon ${HORIZON} --trials 2 --folds 2 --embargo 20 --seq-len 12 --config small.yaml`;
  result = await foldwise(["tune", ...how.split(" "), "--run-id", "all", "--json"], { cwd });
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
const runDir = (...parts: string[]): string => join(cwd, "experiments", "runs", "all", ...parts);

it("ends with exit code 0, every job done and every trial completed", () => {
  const { models } = result.events.at(-1) as { models: Row[] };
  expect(models.filter(({ status }) => status !== "succeeded").map(({ job, error }) => [job, error])).toEqual([]);
  expect(result.code, result.stderr).toBe(0);
  expect(models.map(({ model }) => model)).toEqual(MODELS);
});

eachModel("%s has two different trials, a tuned file and a bundle", String, async (model) => {
  const job = `${model}_MES_h${HORIZON}`;
  const { counts, trials, best, default: own } = tuningReportOf(cwd, "all", job);
  expect(counts).toEqual({ complete: 2, pruned: 0, failed: 0, running: 0 });
  expect(new Set(trials.map(({ params }) => JSON.stringify(params))).size).toBe(2);
  expect(best.value).toBeLessThanOrEqual(own!.value);
  expect(existsSync(runDir("tuned", `${job}.yaml`))).toBe(true);
  expect((await readBundle(runDir("models", job))).manifest).toMatchObject({ model, symbol: "MES", horizon: HORIZON });
});

it.each([
  ["voting", "model_params.weights"],
  ["stacking", "model_params.strength"],
  ["blending", "model_params.strength"],
])("of %s the combination is tuned: %s", (model, key) => {
  const { trials } = tuningReportOf(cwd, "all", `${model}_MES_h${HORIZON}`);
  for (const { params } of trials) expect(params).toHaveProperty([key]);
});
