import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSet, resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { BUILTIN, ModelRegistry } from "../../src/models/index.js";
import { FoldwiseError } from "../../src/types/index.js";
import { thrown, workingFolder } from "./support.js";

const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}(\.[a-z][a-z0-9_]{0,10}){0,3}$/);

describe("--set key=value", () => {
  it("gives back any JSON value, since YAML contains JSON", () => {
    fc.assert(
      fc.property(key, fc.jsonValue({ maxDepth: 3 }), (name, value) => {
        const setting = parseSet(`${name}=${JSON.stringify(value)}`);
        expect(setting.path).toEqual(name.split("."));
        expect(JSON.stringify(setting.value)).toBe(JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  });

  it("answers any text with a setting or a typed error, and never anything else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        try {
          parseSet(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FoldwiseError);
          expect((error as FoldwiseError).category).toBe("config");
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["a=1", ["a"], 1],
    ["a.b = text", ["a", "b"], "text"],
    ["a=x=y", ["a"], "x=y"],
    ["a=[5, 10]", ["a"], [5, 10]],
    ["a=1e-3", ["a"], 0.001],
    ["a=null", ["a"], null],
    ["a=true", ["a"], true],
    ['a="7"', ["a"], "7"],
  ])("%s", (text, path, value) => {
    expect(parseSet(text)).toMatchObject({ path, value });
  });

  it.each(["a", "=1", "a=", "a..b=1", ".a=1", "a.=1", "__proto__.x=1", "a b=1"])("refuses %s", (text) => {
    const error = thrown(() => parseSet(text));
    expect(error.code).toBe("config.bad_set");
    expect(error.message).toBe(`--set ${JSON.stringify(text)} is not of the form key=value.`);
  });

  it.each([
    ["sed=3", '--set sed: unknown key "sed"; did you mean "seed"?'],
    ["max_depth=3", '--set max_depth: unknown key "max_depth"; did you mean "model_params.max_depth"?'],
    [
      "model_params.max_dept=3",
      '--set model_params.max_dept: unknown key "model_params.max_dept"; did you mean "model_params.max_depth"?',
    ],
    [
      "training.boostin.num_boost_round=3",
      '--set training.boostin.num_boost_round: unknown key "training.boostin.num_boost_round"; did you mean "training.boosting.num_boost_round"?',
    ],
    [
      "training.gpu.prefer=true",
      '--set training.gpu.prefer: unknown key "prefer" in training.gpu; did you mean "prefer_gpu"?',
    ],
    [
      "model_params.max_depth=deep",
      '--set model_params.max_depth: model_params.max_depth must be a whole number from 0 to 24; got the text "deep".',
    ],
    ["seed=-1", "--set seed: seed must be a whole number from 0 to 4294967295; got -1."],
    ["training=3", "--set training: training must be a mapping of keys to values; got 3."],
    [
      "models.xgbost.model_params.gamma=1",
      '--set models.xgbost.model_params.gamma: there is no model named "xgbost"; did you mean "xgboost"?',
    ],
    [
      "models.xgboost.model_params.gama=1",
      '--set models.xgboost.model_params.gama: unknown key "models.xgboost.model_params.gama"; did you mean "models.xgboost.model_params.gamma"?',
    ],
    [
      "model_params.gamma={a: 1}",
      "--set model_params.gamma: model_params.gamma must be a number, 0 or more; got a mapping of 1.",
    ],
  ])("%s is refused with what was meant", (set, message) => {
    const cwd = workingFolder();
    const error = thrown(() => {
      const training = resolveTrainingConfig({ cwd, set: [set] });
      resolveModelConfig(ModelRegistry.getModel("xgboost"), { training, models: BUILTIN });
    });
    expect(error.message).toBe(message);
  });
});
