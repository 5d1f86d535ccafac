import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  jsonSchemas,
  renderRunConfig,
  resolveModelConfig,
  resolveTrainingConfig,
  type TrainingRequest,
} from "../../src/config/index.js";
import { packageVersion } from "../../src/files/index.js";
import { BUILTIN } from "../../src/models/index.js";
import { workingFolder } from "./support.js";

const GRID = {
  models: ["xgboost", "logistic"],
  symbols: ["MES"],
  horizons: [5, 20],
  seq_len: null,
  data: null,
  test: true,
};

function resolveAll(request: TrainingRequest) {
  const training = resolveTrainingConfig(request);
  const models = BUILTIN.map((definition) => resolveModelConfig(definition, { training, models: BUILTIN }));
  return { training, models, text: renderRunConfig({ command: "train", grid: GRID, training, models }) };
}

const values = ({ models }: ReturnType<typeof resolveAll>) =>
  models.map(({ model, preset, model_params, training }) => ({ model, preset, model_params, training }));

describe("a run's config.yaml", () => {
  const set = ["model_params.max_depth=9", "models.logistic.model_params.C=0.5", "training.class_weight=balanced"];

  it("reproduces the run, whatever the configuration files say by then", () => {
    const cwd = workingFolder({ "config/training.yaml": "seed: 5\ntraining: {boosting: {num_boost_round: 123}}\n" });
    const first = resolveAll({ cwd, set, flags: { preset: "reference", device: "cpu" } });
    writeFileSync(join(cwd, "run.yaml"), first.text);
    writeFileSync(join(cwd, "config/training.yaml"), "seed: 6\npreset: market\ndevice: cuda\n");
    const again = resolveAll({ cwd, configFile: "run.yaml" });
    expect(values(again)).toEqual(values(first));
    expect(again.training.config).toEqual(first.training.config);
    expect(again.training.grid).toEqual(GRID);
    expect(again.training.notices).toEqual([]);
  });

  it("says of each value where it came from", () => {
    const { text } = resolveAll({ cwd: workingFolder(), set, flags: { seed: 3 } });
    expect(text).toContain("\nseed: 3 # --seed\n");
    expect(text).toContain("max_depth: 9 # --set model_params.max_depth\n");
    expect(text).toMatch(/learning_rate: 0\.03 # preset: foldwise\/config\/models\/xgboost\.yaml:\d+:\d+\n/);
    expect(text).toMatch(/default_horizons: \[5, 10, 15, 20\] # foldwise\/config\/training\.yaml:\d+:\d+\n/);
  });

  it("written by another version is taken, and said", () => {
    const cwd = workingFolder({ "run.yaml": "foldwise: 0.0.1\nseed: 9\n" });
    const { config, notices } = resolveTrainingConfig({ cwd, configFile: "run.yaml" });
    expect(config.seed).toBe(9);
    expect(notices).toEqual([`run.yaml was written by Foldwise 0.0.1; this is ${packageVersion()}.`]);
  });
});

describe("the JSON Schemas", () => {
  it.each(Object.entries(jsonSchemas()))("%s describes every key and allows no others", (_, schema) => {
    expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
    const check = (node: Record<string, unknown>, path: string): void => {
      for (const [key, value] of Object.entries((node.properties ?? {}) as Record<string, Record<string, unknown>>)) {
        const isSection = path === "" && (key === "model_params" || key === "training");
        if (!isSection) expect(value.description, `${path}${key}`).toBeTruthy();
        check(value, `${path}${key}.`);
      }
      if (node.properties !== undefined) expect(node.additionalProperties, path).toBe(false);
    };
    check(schema, "");
  });
});
