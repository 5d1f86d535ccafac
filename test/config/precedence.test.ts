import { describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig, type TrainingRequest } from "../../src/config/index.js";
import { BUILTIN, ModelRegistry } from "../../src/models/index.js";
import { thrown, workingFolder } from "./support.js";

const xgboost = ModelRegistry.getModel("xgboost");
const logistic = ModelRegistry.getModel("logistic");

/** One value a layer, from the weakest; all are given, and the strongest are taken away one by one. */
const MODEL_LAYERS = [
  { from: "foldwise/config/models/xgboost.yaml", value: 4 },
  { from: "config/models/xgboost.yaml:2:14", value: 11, file: ["config/models/xgboost.yaml", 11] },
  { from: "my.yaml:2:14", value: 12, file: ["my.yaml", 12] },
  { from: "--set model_params.max_depth", value: 13 },
  { from: "--set models.xgboost.model_params.max_depth", value: 14 },
] as const;

describe("precedence of a model's values", () => {
  it.each(MODEL_LAYERS.map((layer, rank) => ({ ...layer, rank })))("$from gives $value over all weaker", (layer) => {
    const given = MODEL_LAYERS.slice(0, layer.rank + 1);
    const files = given.flatMap((entry) =>
      "file" in entry ? [[entry.file[0], `model_params:\n  max_depth: ${entry.file[1]}\n`]] : [],
    );
    const cwd = workingFolder(Object.fromEntries(files));
    const training = resolveTrainingConfig({
      cwd,
      configFile: layer.rank >= 2 ? "my.yaml" : undefined,
      set: given.filter(({ from }) => from.startsWith("--set")).map(({ from, value }) => `${from.slice(6)}=${value}`),
    });
    const { model_params, provenance } = resolveModelConfig(xgboost, { training });
    expect(model_params.max_depth).toBe(layer.value);
    expect(provenance["model_params.max_depth"]?.from.startsWith(layer.from)).toBe(true);
  });

  it("the schema's default is the weakest: what a model without a shipped file has", () => {
    const training = resolveTrainingConfig({ cwd: workingFolder() });
    const presets = { market: { model_params: {}, training: {} }, reference: { model_params: {}, training: {} } };
    const resolved = resolveModelConfig({ ...xgboost, id: "other", presets }, { training });
    expect(resolved.model_params).toEqual(xgboost.params.parse({}));
    expect(resolved.provenance["model_params.gamma"]).toEqual({ layer: "built-in", from: "built-in" });
  });

  it("the config of a trainModel call is the strongest of all", () => {
    const training = resolveTrainingConfig({ cwd: workingFolder(), set: ["model_params.max_depth=13"] });
    const resolved = resolveModelConfig(xgboost, { training, config: { model_params: { max_depth: 2 } } });
    expect(resolved.model_params.max_depth).toBe(2);
  });

  it("a preset is chosen by flag, --config, the model's file and training.yaml, in that order", () => {
    const cwd = workingFolder({
      "config/training.yaml": "preset: reference\n",
      "mine.yaml": "preset: market\nmodel_params: {}\n",
    });
    const depth = (request: Partial<TrainingRequest>): unknown =>
      resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd, ...request }) }).model_params.max_depth;
    expect(depth({})).toBe(6);
    expect(depth({ configFile: "mine.yaml" })).toBe(4);
    expect(depth({ configFile: "mine.yaml", flags: { preset: "reference" } })).toBe(6);
  });

  it("a file's own preset is a preset, and may change a built-in one", () => {
    const cwd = workingFolder({
      "config/models/xgboost.yaml":
        "presets:\n  tiny: {model_params: {max_depth: 1}}\n  market: {model_params: {max_depth: 3}}\n",
    });
    const resolve = (preset?: string) =>
      resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd, flags: { preset } }) });
    expect(resolve("tiny").model_params.max_depth).toBe(1);
    expect(resolve().model_params).toMatchObject({ max_depth: 3, learning_rate: 0.03 });
    const error = thrown(() => resolve("tinny"));
    expect(error.code).toBe("config.unknown_preset");
    expect(error.message).toBe('--preset: model xgboost has no preset "tinny"; did you mean "tiny"?');
    expect(error.remedy).toBe("Presets of xgboost: market, reference, tiny.");
  });

  it("a preset that is named hides nothing of the person's own files, and that is said", () => {
    const cwd = workingFolder({
      "config/models/xgboost.yaml": "model_params:\n  max_depth: 8\n  learning_rate: 0.2\n",
    });
    const resolve = (call: Partial<Parameters<typeof resolveTrainingConfig>[0]>) =>
      resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd, ...call }) });
    const { model_params, notices } = resolve({
      flags: { preset: "reference" },
      set: ["model_params.learning_rate=0.3"],
    });
    expect(model_params).toMatchObject({ max_depth: 8, learning_rate: 0.3 });
    expect(notices).toEqual([
      expect.stringMatching(
        /^config\/models\/xgboost\.yaml:2:\d+: model_params\.max_depth stays 8: your own file is stronger than preset reference, which says \d+\./,
      ),
    ]);
    expect(resolve({}).notices).toEqual([]);
  });

  it("in one layer the model's own file is stronger than its family in training.yaml", () => {
    const family = "training:\n  boosting:\n    num_boost_round: 300\n    early_stopping_rounds: 9\n";
    const cwd = workingFolder({
      "config/training.yaml": family,
      "config/models/xgboost.yaml": "training:\n  num_boost_round: 200\n",
    });
    const resolved = resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd }) });
    expect(resolved.training).toMatchObject({ num_boost_round: 200, early_stopping_rounds: 9 });
    expect(resolved.provenance["training.early_stopping_rounds"]?.from).toBe("config/training.yaml:4:28");
  });

  it("a family value of a stronger layer is stronger than the model's file of a weaker one", () => {
    const cwd = workingFolder({ "config/models/xgboost.yaml": "training:\n  num_boost_round: 200\n" });
    const training = resolveTrainingConfig({ cwd, set: ["training.boosting.num_boost_round=50"] });
    expect(resolveModelConfig(xgboost, { training }).training.num_boost_round).toBe(50);
    const own = resolveTrainingConfig({
      cwd,
      set: ["training.boosting.num_boost_round=50", "training.num_boost_round=60"],
    });
    expect(resolveModelConfig(xgboost, { training: own }).training.num_boost_round).toBe(60);
  });

  it("a --set key that another model of the call has is passed over", () => {
    const training = resolveTrainingConfig({ cwd: workingFolder(), set: ["model_params.max_depth=3"] });
    expect(resolveModelConfig(logistic, { training, models: BUILTIN }).provenance).not.toHaveProperty(
      "model_params.max_depth",
    );
    expect(thrown(() => resolveModelConfig(logistic, { training })).code).toBe("config.unknown_key");
  });

  it("a training file's models: section speaks of each model by name", () => {
    const cwd = workingFolder({
      "all.yaml": "seed: 3\nmodels:\n  xgboost: {model_params: {max_depth: 2}}\n  logistic: {preset: reference}\n",
    });
    const training = resolveTrainingConfig({ cwd, configFile: "all.yaml" });
    expect(training.config.seed).toBe(3);
    expect(resolveModelConfig(xgboost, { training, models: BUILTIN }).model_params.max_depth).toBe(2);
    expect(resolveModelConfig(logistic, { training, models: BUILTIN })).toMatchObject({
      preset: "reference",
      model_params: { C: 1 },
    });
  });
});

describe("precedence of the call's values", () => {
  const files = { "config/training.yaml": "seed: 1\n", "my.yaml": "seed: 2\n" };
  it.each([
    ["built in or shipped", {}, {}, 7, "package"],
    ["the person's config folder", files, {}, 1, "user"],
    ["--config", files, { configFile: "my.yaml" }, 2, "config"],
    ["a named flag", files, { configFile: "my.yaml", flags: { seed: 3 } }, 3, "flag"],
    ["--set", files, { configFile: "my.yaml", set: ["seed=4"] }, 4, "flag"],
  ] as const)("%s", (_, written, request, seed, layer) => {
    const resolved = resolveTrainingConfig({ cwd: workingFolder(written), ...request });
    expect(resolved.config.seed).toBe(seed);
    expect(resolved.provenance.seed?.layer).toBe(layer);
  });

  it("plug-ins of the command line are added to the configured ones", () => {
    const cwd = workingFolder({ "config/training.yaml": "plugins: [a.mjs]\n" });
    const { config, provenance } = resolveTrainingConfig({ cwd, plugins: ["b.mjs", "a.mjs"] });
    expect(config.plugins).toEqual(["a.mjs", "b.mjs"]);
    expect(provenance.plugins?.from).toBe("--plugin");
  });

  it("a flag and a --set that disagree are refused, since neither is stronger", () => {
    const error = thrown(() => resolveTrainingConfig({ cwd: workingFolder(), set: ["seed=4"], flags: { seed: 3 } }));
    expect(error.code).toBe("config.set_twice");
    expect(error.message).toBe("seed is set twice: --seed says 3, --set seed says 4.");
    expect(resolveTrainingConfig({ cwd: workingFolder(), set: ["seed=4"], flags: { seed: 4 } }).config.seed).toBe(4);
  });
});

describe("one model's --config file", () => {
  it("is refused for several models", () => {
    const cwd = workingFolder({ "x.yaml": "model_params: {max_depth: 2}\n" });
    const training = resolveTrainingConfig({ cwd, configFile: "x.yaml" });
    const error = thrown(() => resolveModelConfig(xgboost, { training, models: BUILTIN }));
    expect(error.code).toBe("config.model_file_for_many");
    expect(error.remedy).toBe("Name one --model, or put its content under models: {xgboost: …}.");
  });
});

describe("old spellings", () => {
  it("gpu_hist means hist, and asks for CUDA", () => {
    const cwd = workingFolder({ "x.yaml": "model_params:\n  tree_method: gpu_hist\n" });
    const resolved = resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd, configFile: "x.yaml" }) });
    expect(resolved.model_params.tree_method).toBe("hist");
    expect(resolved.device).toBe("cuda");
    expect(resolved.notices).toEqual([
      "x.yaml:2:3: model_params.tree_method: gpu_hist is an old spelling of hist on device cuda.",
    ]);
  });

  it("eta is learning_rate, with the place of the original in errors", () => {
    const cwd = workingFolder({ "x.yaml": "model_params:\n  eta: 0.2\n", "bad.yaml": "model_params:\n  eta: 7\n" });
    const resolve = (configFile: string) =>
      resolveModelConfig(xgboost, { training: resolveTrainingConfig({ cwd, configFile }) });
    expect(resolve("x.yaml").model_params.learning_rate).toBe(0.2);
    expect(resolve("x.yaml").notices).toEqual([
      "x.yaml:2:3: model_params.eta is named model_params.learning_rate here.",
    ]);
    expect(thrown(() => resolve("bad.yaml")).message).toBe(
      "bad.yaml:2:8: model_params.learning_rate must be a number from 0.000001 to 1; got 7.",
    );
  });

  it("both spellings at once are refused", () => {
    const cwd = workingFolder({ "x.yaml": "model_params: {eta: 0.2, learning_rate: 0.1}\n" });
    const training = resolveTrainingConfig({ cwd, configFile: "x.yaml" });
    expect(thrown(() => resolveModelConfig(xgboost, { training })).message).toBe(
      "x.yaml:1:16: model_params.eta and model_params.learning_rate mean the same.",
    );
  });
});
