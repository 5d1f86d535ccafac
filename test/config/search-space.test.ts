import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  renderRunConfig,
  resolveModelConfig,
  resolveTrainingConfig,
  type TrainingRequest,
} from "../../src/config/index.js";
import { BUILTIN, ModelRegistry } from "../../src/models/index.js";
import { blocks, guides } from "../docs/guides.js";
import { thrown, workingFolder } from "./support.js";

const xgboost = ModelRegistry.getModel("xgboost");
const shipped = xgboost.searchSpace;

function resolve(files: Record<string, string>, request: Partial<TrainingRequest> = {}, model = xgboost) {
  const cwd = workingFolder(files);
  return resolveModelConfig(model, { training: resolveTrainingConfig({ cwd, ...request }) });
}

/** The space with this text as the person's own `config/models/xgboost.yaml`. */
const spaceOf = (text: string) => resolve({ "config/models/xgboost.yaml": text }).searchSpace;

describe("the search space of a model", () => {
  it("is the definition's where no file speaks of it", () => {
    expect(resolve({}).searchSpace).toEqual(shipped);
    expect(Object.keys(resolve({}).searchSpace)).toEqual(Object.keys(shipped));
  });

  it("is narrowed by a part of a dimension, and the rest of it stays", () => {
    const space = spaceOf("search_space:\n  model_params.max_depth: {high: 6}\n");
    expect(space).toEqual({ ...shipped, "model_params.max_depth": { type: "int", low: 2, high: 6 } });
    expect(Object.keys(space)).toEqual(Object.keys(shipped));
  });

  it("takes a whole dimension in the place of another, of another type too, and at the end a new one", () => {
    const space = spaceOf(
      "search_space:\n  model_params.max_depth: {type: categorical, choices: [3, 6]}\n  model_params.max_bin: {type: int, low: 64, high: 256, step: 64}\n",
    );
    expect(space["model_params.max_depth"]).toEqual({ type: "categorical", choices: [3, 6] });
    expect(Object.entries(space).at(-1)).toEqual([
      "model_params.max_bin",
      { type: "int", low: 64, high: 256, step: 64 },
    ]);
  });

  it("loses what is null, and with * everything that the file does not name", () => {
    const { "model_params.gamma": _, ...rest } = shipped;
    expect(spaceOf("search_space: {model_params.gamma: null}")).toEqual(rest);
    expect(
      spaceOf(
        "search_space:\n  training.class_weight: {type: categorical, choices: [none, balanced]}\n  '*': null\n  model_params.max_depth: {}\n",
      ),
    ).toEqual({
      "training.class_weight": { type: "categorical", choices: ["none", "balanced"] },
      "model_params.max_depth": shipped["model_params.max_depth"],
    });
    expect(spaceOf("search_space: {'*': null}")).toEqual({});
  });

  it("may have a condition given, changed and taken away", () => {
    expect(
      spaceOf("search_space: {model_params.gamma: {when: {key: model_params.max_depth, in: [7, 8]}}}")[
        "model_params.gamma"
      ],
    ).toEqual({ type: "float", low: 0, high: 5, when: { key: "model_params.max_depth", in: [7, 8] } });
    expect(spaceOf("search_space: {model_params.max_leaves: {when: null}}")["model_params.max_leaves"]).toEqual({
      type: "int",
      low: 4,
      high: 256,
      log: true,
    });
  });

  it("follows the layers: --config over the person's own file, which it may change in parts", () => {
    const files = {
      "config/models/xgboost.yaml": "search_space:\n  model_params.max_depth: {low: 3, high: 5}\n",
      "one.yaml": "search_space:\n  model_params.max_depth: {high: 4}\n  model_params.gamma: null\n",
      "many.yaml": "models:\n  xgboost:\n    search_space: {model_params.max_depth: {low: 1}}\n",
    };
    const one = resolve(files, { configFile: "one.yaml" }).searchSpace;
    expect(one["model_params.max_depth"]).toEqual({ type: "int", low: 3, high: 4 });
    expect(one).not.toHaveProperty(["model_params.gamma"]);
    const many = resolve(files, { configFile: "many.yaml" }).searchSpace;
    expect(many["model_params.max_depth"]).toEqual({ type: "int", low: 1, high: 5 });
  });

  it("is no key of --set", () => {
    expect(thrown(() => resolve({}, { set: ["models.xgboost.search_space.x=1"] })).message).toMatch(
      /^--set models\.xgboost\.search_space\.x: unknown key /,
    );
    expect(thrown(() => resolve({}, { set: ["search_space.x=1"] })).code).toBe("config.unknown_key");
  });

  it("is changed by the guide's file as the guide says", () => {
    const guide = guides().find(({ path }) => path.endsWith("MODEL_INTEGRATION_GUIDE.md"))!;
    const text = blocks(guide, "yaml").find((block) => block.includes("search_space:"))!;
    const lightgbm = ModelRegistry.getModel("lightgbm");
    const { searchSpace } = resolve({ "config/models/lightgbm.yaml": text }, {}, lightgbm);
    expect(searchSpace["model_params.num_leaves"]).toEqual({ type: "int", low: 4, high: 64, log: true });
    expect(searchSpace).not.toHaveProperty(["model_params.path_smooth"]);
    expect(searchSpace["model_params.feature_fraction_bynode"]).toMatchObject({
      when: { key: "model_params.extra_trees", in: [false] },
    });
  });
});

describe("a bad search space is refused, with its place", () => {
  const gamma = (entry: string): string => `search_space:\n  model_params.gamma: ${entry}\n`;
  it.each([
    [
      "low above high",
      gamma("{low: 7}"),
      "config.bad_value",
      "bad.yaml:2:29: search_space.model_params.gamma has low 7 above high 5.",
    ],
    [
      "a high below the low that is not written",
      "search_space:\n  model_params.max_depth: {high: 1}\n",
      "config.bad_value",
      "bad.yaml:2:34: search_space.model_params.max_depth has low 2 above high 1.",
    ],
    [
      "a log scale from zero",
      gamma("{log: true}"),
      "config.bad_value",
      "bad.yaml:2:23: search_space.model_params.gamma has a log scale from 0; low must be above 0.",
    ],
    [
      "a parameter that the model does not have",
      "search_space:\n  model_params.max_dept: {high: 6}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "model_params.max_dept" in search_space; did you mean "model_params.max_depth"?',
    ],
    [
      "a parameter without its section",
      "search_space:\n  max_depth: {high: 6}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "max_depth" in search_space; did you mean "model_params.max_depth"?',
    ],
    [
      "an old spelling",
      "search_space:\n  model_params.eta: {high: 0.1}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "model_params.eta" in search_space; did you mean "model_params.learning_rate"?',
    ],
    [
      "a key that reaches for the prototype",
      "search_space:\n  __proto__: {high: 6}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "__proto__" in search_space.',
    ],
    [
      "a bound that the model does not take",
      "search_space:\n  model_params.max_depth: {high: 30}\n",
      "config.bad_value",
      "bad.yaml:2:34: search_space.model_params.max_depth.high must be a whole number from 0 to 24; got 30.",
    ],
    [
      "a choice that the model does not take",
      "search_space:\n  model_params.grow_policy: {type: categorical, choices: [depthwise, leafwise]}\n",
      "config.bad_value",
      'bad.yaml:2:70: search_space.model_params.grow_policy.choices.1 must be one of: depthwise, lossguide; got the text "leafwise".',
    ],
    [
      "a choice that stands twice",
      "search_space:\n  model_params.gamma: {type: categorical, choices: [0, 1, 0]}\n",
      "config.bad_value",
      "bad.yaml:2:59: search_space.model_params.gamma has the choice 0 twice.",
    ],
    [
      "text for a bound",
      gamma("{high: big}"),
      "config.wrong_type",
      'bad.yaml:2:30: search_space.model_params.gamma.high must be a number; got the text "big".',
    ],
    [
      "a number for a dimension",
      gamma("3"),
      "config.wrong_type",
      "bad.yaml:2:23: search_space.model_params.gamma must be a mapping of keys to values, or null; got 3.",
    ],
    [
      "an unknown type",
      gamma("{type: real, low: 0, high: 1}"),
      "config.bad_value",
      'bad.yaml:2:30: search_space.model_params.gamma.type must be one of: float, int, categorical; got the text "real".',
    ],
    [
      "a whole dimension without a bound",
      gamma("{type: float, low: 0}"),
      "config.missing_key",
      "bad.yaml:2:23: search_space.model_params.gamma.high is missing; it must be a number.",
    ],
    [
      "a part of a dimension that there is not",
      "search_space:\n  model_params.max_bin: {high: 64}\n",
      "config.missing_key",
      "bad.yaml:2:25: search_space.model_params.max_bin has no type, and there is no dimension that it could change.",
    ],
    [
      "choices for a range",
      gamma("{choices: [1, 2]}"),
      "config.unknown_key",
      'bad.yaml:2:24: unknown key "choices" in search_space.model_params.gamma.',
    ],
    [
      "a misspelt field",
      gamma("{hight: 3}"),
      "config.unknown_key",
      'bad.yaml:2:24: unknown key "hight" in search_space.model_params.gamma; did you mean "high"?',
    ],
    [
      "something for *",
      "search_space: {'*': {high: 3}}\n",
      "config.wrong_type",
      "bad.yaml:1:21: search_space.* must be null; got a mapping of 1.",
    ],
    [
      "a condition on a parameter that is not there",
      gamma("{when: {key: model_params.max_dept, in: [3]}}"),
      "config.unknown_key",
      'bad.yaml:2:36: search_space.model_params.gamma has a condition on model_params.max_dept, which is not a key of the model; did you mean "model_params.max_depth"?',
    ],
    [
      "a condition on a value that cannot be",
      gamma("{when: {key: model_params.max_depth, in: [3, deep]}}"),
      "config.bad_value",
      'bad.yaml:2:68: search_space.model_params.gamma.when.in.1: model_params.max_depth must be a whole number from 0 to 24; got the text "deep".',
    ],
    [
      "conditions in a circle",
      "search_space:\n  model_params.subsample: {when: {key: model_params.colsample_bytree, in: [1]}}\n  model_params.colsample_bytree: {when: {key: model_params.subsample, in: [1]}}\n",
      "config.bad_value",
      "bad.yaml:2:40: search_space.model_params.subsample stands in a circle of conditions: model_params.subsample → model_params.colsample_bytree → model_params.subsample.",
    ],
    [
      "no mapping",
      "search_space: [model_params.gamma]\n",
      "config.wrong_type",
      "bad.yaml:1:15: search_space must be a mapping of keys to values; got a list of 1.",
    ],
  ])("%s", (_, text, code, message) => {
    const error = thrown(() => resolve({ "bad.yaml": text }, { configFile: "bad.yaml" }));
    expect(error.code).toBe(code);
    expect(error.message.split("\n")[0]).toBe(message);
    expect(error.remedy).toBeTruthy();
    expect(error.exitCode).toBe(2);
  });

  it("at the file that spoke of it last, where two files make it bad together", () => {
    const files = {
      "config/models/xgboost.yaml": "search_space:\n  model_params.max_depth: {low: 5}\n",
      "run.yaml": "models:\n  xgboost:\n    search_space:\n      model_params.max_depth: {high: 4}\n",
    };
    expect(thrown(() => resolve(files, { configFile: "run.yaml" })).message).toBe(
      "run.yaml:4:38: search_space.model_params.max_depth has low 5 above high 4.",
    );
  });
});

const MARK = {
  run_id: "20260101_120000",
  study: "xgboost_MES_h20",
  symbol: "MES",
  horizon: 20,
  trials: 50,
  metric: "logloss",
  fingerprint: "abc",
  rows: "train and validation",
} as const;
const mark = (change: object = {}): string => `tuned: ${JSON.stringify({ ...MARK, ...change })}\n`;

describe("the mark of values that a study chose", () => {
  it("is there where a file has it, and the strongest file's counts", () => {
    expect(resolve({}).tuned).toBeNull();
    const files = {
      "config/models/xgboost.yaml": mark(),
      "other.yaml": mark({ study: "other" }),
      "none.yaml": "tuned: null\n",
      "silent.yaml": "model_params: {max_depth: 3}\n",
    };
    expect(resolve(files).tuned).toEqual(MARK);
    expect(resolve(files, { configFile: "other.yaml" }).tuned?.study).toBe("other");
    expect(resolve(files, { configFile: "none.yaml" }).tuned).toBeNull();
    expect(resolve(files, { configFile: "silent.yaml" }).tuned).toEqual(MARK);
  });

  it.each([
    [
      "rows of another kind",
      mark({ rows: "test" }),
      "config.bad_value",
      "tuned.rows must be only train and validation",
    ],
    ["an unknown key", mark({ score: 1 }), "config.unknown_key", 'unknown key "score" in tuned'],
    ["a missing key", "tuned: {run_id: x}\n", "config.missing_key", "tuned.study is missing"],
  ])("is refused with %s", (_, text, code, message) => {
    const error = thrown(() => resolve({ "bad.yaml": text }, { configFile: "bad.yaml" }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

describe("a tuning run's config.yaml", () => {
  const GRID = {
    models: ["xgboost", "voting"],
    symbols: ["MES"],
    horizons: [20],
    seq_len: null,
    data: null,
    test: true,
  };

  function render(command: string, request: TrainingRequest) {
    const training = resolveTrainingConfig(request);
    const models = BUILTIN.map((definition) => resolveModelConfig(definition, { training, models: BUILTIN }));
    return { models, text: renderRunConfig({ command, grid: GRID, training, models }) };
  }
  const spaces = ({ models }: ReturnType<typeof render>) =>
    models.map(({ model, searchSpace, tuned }) => [model, Object.entries(searchSpace), tuned]);

  it("holds the spaces and marks, and gives exactly them whatever the files say by then", () => {
    const own =
      "search_space:\n  model_params.max_depth: {high: 6}\n  model_params.gamma: null\n  model_params.max_bin: {type: int, low: 64, high: 256}\n";
    const cwd = workingFolder({ "config/models/xgboost.yaml": own + mark() });
    const first = render("tune", { cwd });
    writeFileSync(join(cwd, "run.yaml"), first.text);
    writeFileSync(
      join(cwd, "config/models/xgboost.yaml"),
      "search_space: {model_params.subsample: {type: categorical, choices: [0.5]}}\n",
    );
    writeFileSync(join(cwd, "config/models/voting.yaml"), `search_space: {'*': null}\n${mark()}`);
    expect(spaces(render("tune", { cwd, configFile: "run.yaml" }))).toEqual(spaces(first));
    expect(first.text).toContain("model_params.max_depth: {type: int, low: 2, high: 6}\n");
  });

  it("alone has spaces, and of the models that it tunes", () => {
    const cwd = workingFolder();
    expect(render("train", { cwd }).text).not.toContain("search_space");
    expect(render("tune", { cwd }).text.match(/search_space:/g)).toHaveLength(GRID.models.length);
  });
});
