import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { thrown, workingFolder } from "./support.js";

/** What a person sees who gives this text as `--config bad.yaml` to `train --model xgboost`. */
function refusal(text: string, model = "xgboost") {
  const cwd = workingFolder({ "bad.yaml": text });
  return thrown(() => {
    const training = resolveTrainingConfig({ cwd, configFile: "bad.yaml" });
    resolveModelConfig(ModelRegistry.getModel(model), { training });
  });
}

const BOMB = [
  "a: &a [x, x, x, x, x, x, x, x, x]",
  ...[..."bcdefgh"].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(", ")}]`),
].join("\n");

describe("bad YAML is refused, with its place", () => {
  it.each([
    [
      "an unknown key",
      "model_params:\n  max_dept: 3\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "max_dept" in model_params; did you mean "max_depth"?',
    ],
    ["an unknown key near nothing", "seed: 1\nzebra: 1\n", "config.unknown_key", 'bad.yaml:2:1: unknown key "zebra".'],
    [
      "an unknown family key",
      "training:\n  boosting: {num_boost_rounds: 1}\n",
      "config.unknown_key",
      'bad.yaml:2:14: unknown key "num_boost_rounds" in training.boosting; did you mean "num_boost_round"?',
    ],
    [
      "an unknown model",
      "models:\n  xgbost: {}\n",
      "config.unknown_key",
      'bad.yaml:2:3: there is no model named "xgbost"; did you mean "xgboost"?',
    ],
    ["nothing that is known", "max_depth: 3\n", "config.unknown_key", 'bad.yaml:1:1: unknown key "max_depth".'],
    [
      "a merge key",
      "model_params:\n  <<: {max_depth: 3}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "<<" in model_params.',
    ],
    [
      "a key that reaches for the prototype",
      "model_params:\n  __proto__: {max_depth: 3}\n",
      "config.unknown_key",
      'bad.yaml:2:3: unknown key "__proto__" in model_params.',
    ],
    [
      "text for a number",
      "model_params:\n  max_depth: deep\n",
      "config.wrong_type",
      'bad.yaml:2:14: model_params.max_depth must be a whole number from 0 to 24; got the text "deep".',
    ],
    [
      "a fraction for a whole number",
      "model_params: {max_depth: 1.5}\n",
      "config.wrong_type",
      "bad.yaml:1:27: model_params.max_depth must be a whole number from 0 to 24; got 1.5.",
    ],
    [
      "a number out of range",
      "model_params:\n  subsample: 1.5\n",
      "config.bad_value",
      "bad.yaml:2:14: model_params.subsample must be a number above 0 and up to 1; got 1.5.",
    ],
    [
      "a number that is not finite",
      "model_params:\n  gamma: .inf\n",
      "config.wrong_type",
      "bad.yaml:2:10: model_params.gamma must be a number, 0 or more; got Infinity.",
    ],
    [
      "a word that is not a choice",
      "training:\n  class_weight: balance\n",
      "config.bad_value",
      'bad.yaml:2:17: training.class_weight must be one of: none, balanced; got the text "balance".',
    ],
    [
      "YAML 1.1's yes",
      "training:\n  gpu: {auto_detect: yes}\n",
      "config.wrong_type",
      'bad.yaml:2:22: training.gpu.auto_detect must be true or false; got the text "yes".',
    ],
    [
      "a list for a number",
      "seed: [1]\n",
      "config.wrong_type",
      "bad.yaml:1:7: seed must be a whole number from 0 to 4294967295; got a list of 1.",
    ],
    [
      "a number for a list",
      "training:\n  default_horizons: 20\n",
      "config.wrong_type",
      "bad.yaml:2:21: training.default_horizons must be a list, each item a whole number from 1 to 1000000; got 20.",
    ],
    [
      "a bad item of a list",
      "training:\n  default_horizons:\n    - 5\n    - soon\n",
      "config.wrong_type",
      'bad.yaml:4:7: training.default_horizons.1 must be a whole number from 1 to 1000000; got the text "soon".',
    ],
    [
      "a symbol that leaves its folder",
      "training:\n  default_symbols: [../../x]\n",
      "config.bad_value",
      'bad.yaml:2:21: training.default_symbols.0 must be text that matches ^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$; got the text "../../x".',
    ],
    [
      "an empty section",
      "training:\n  boosting:\n",
      "config.wrong_type",
      "bad.yaml:2:12: training.boosting must be a mapping of keys to values; got nothing.",
    ],
    [
      "another objective",
      "model_params: {objective: 'reg:squarederror'}\n",
      "config.bad_value",
      'bad.yaml:1:27: model_params.objective must be only multi:softprob; got the text "reg:squarederror".',
    ],
    [
      "a value where several kinds are allowed",
      "validation: {embargo: -3}\n",
      "config.bad_value",
      "bad.yaml:1:23: validation.embargo must be a whole number, 0 or more, or text that matches ^\\d+[mhd]?$, or null; got -3.",
    ],
    [
      "a value behind an alias",
      "x: 1\nmodel_params: {gamma: &g deep, reg_alpha: *g}\n",
      "config.unknown_key",
      'bad.yaml:1:1: unknown key "x".',
    ],
    [
      "a key twice",
      "seed: 1\nseed: 2\n",
      "config.bad_yaml",
      'bad.yaml:2:1: Map keys must be unique; "seed" stands twice.',
    ],
    [
      "a tab as indentation",
      "training:\n\tgpu: {}\n",
      "config.bad_yaml",
      "bad.yaml:2:1: Tabs are not allowed as indentation.",
    ],
    [
      "an open bracket",
      "seed: [1\n",
      "config.bad_yaml",
      "bad.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ].",
    ],
    [
      "two documents",
      "seed: 1\n---\nseed: 2\n",
      "config.bad_yaml",
      "bad.yaml:2:1: A file holds one document; a second one begins here.",
    ],
    [
      "a tag that would build an object",
      "seed: !!python/object/apply:os.system [ls]\n",
      "config.bad_yaml",
      "bad.yaml:1:7: Unresolved tag: tag:yaml.org,2002:python/object/apply:os.system.",
    ],
    [
      "an alias without an anchor",
      "seed: *one\n",
      "config.bad_yaml",
      "bad.yaml: Unresolved alias (the anchor must be set before the alias): one.",
    ],
    ["a list", "- 1\n", "config.not_a_mapping", "bad.yaml must be a mapping of keys to values."],
    ["plain text", "hello\n", "config.not_a_mapping", "bad.yaml must be a mapping of keys to values."],
    ["aliases that multiply", BOMB, "config.yaml_bomb", "bad.yaml is refused: its aliases multiply."],
    [
      "an alias of itself",
      "models: &m {xgboost: *m}\n",
      "config.yaml_bomb",
      "bad.yaml is refused: an alias stands inside the value that it names.",
    ],
    [
      "nesting that would kill the parser",
      `seed: ${"[".repeat(20_000)}`,
      "config.yaml_bomb",
      "bad.yaml is refused: its values are nested more than 50 deep.",
    ],
    [
      "nested dashes",
      "- ".repeat(5000),
      "config.yaml_bomb",
      "bad.yaml is refused: its values are nested more than 50 deep.",
    ],
    [
      "a staircase of keys",
      Array.from({ length: 900 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      "config.yaml_bomb",
      "bad.yaml is refused: its values are nested more than 50 deep.",
    ],
    [
      "two mebibytes",
      `# ${"x".repeat(2 << 20)}`,
      "config.yaml_bomb",
      "bad.yaml is refused: it is larger than 1024 KiB.",
    ],
  ])("%s", (_, text, code, message) => {
    const error = refusal(text);
    expect({ code: error.code, message: error.message }).toEqual({ code, message });
    expect(error.remedy).toBeTruthy();
    expect(error.exitCode).toBe(2);
  });

  // Half a minute where each key was compared with all before it.
  it.each([
    ["of a file", "", "config.unknown_key"],
    ["of a model", "model_params:\n", "config.unknown_key"],
  ])("60 000 keys %s, in time linear in them, and the first fifty are named", { timeout: 15_000 }, (_, head, code) => {
    const indent = head === "" ? "" : "  ";
    const error = refusal(head + Array.from({ length: 60_000 }, (_, i) => `${indent}key${i}: 1`).join("\n"));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(head === "" ? /^bad\.yaml:1:1: unknown key "key0"/ : /\nand 59950 more$/);
  });

  it("several problems are all named, each at its place", () => {
    const error = refusal("model_params:\n  max_depth: deep\n  subsampel: 1\n  gamma: -1\n");
    expect(error.message.split("\n")).toEqual([
      'bad.yaml:2:14: model_params.max_depth must be a whole number from 0 to 24; got the text "deep".',
      "bad.yaml:4:10: model_params.gamma must be a number, 0 or more; got -1.",
      'bad.yaml:3:3: unknown key "subsampel" in model_params; did you mean "subsample"?',
    ]);
    expect(error.remedy).toContain("Allowed in model_params: objective, num_class");
  });

  it("what only the whole can break names the value's source", () => {
    expect(refusal("model_params:\n  l1_ratio: 0.5\n", "logistic").message).toBe(
      "foldwise/config/models/logistic.yaml:9:11: model_params.solver must be saga where l1_ratio is above 0.",
    );
  });

  it("a missing file and a folder are said to be so", () => {
    const cwd = workingFolder({ "folder/x.yaml": "" });
    const message = (configFile: string) => thrown(() => resolveTrainingConfig({ cwd, configFile })).message;
    expect(message("nowhere.yaml")).toBe("Could not read nowhere.yaml: there is no such file.");
    expect(message("folder")).toBe("Could not read folder: it is a folder.");
  });

  it("a byte-order mark, comments only and an empty file are no errors", () => {
    for (const text of ["\uFEFFseed: 7\n", "# nothing yet\n", ""]) {
      const cwd = workingFolder();
      writeFileSync(join(cwd, "ok.yaml"), text);
      expect(resolveTrainingConfig({ cwd, configFile: "ok.yaml" }).config.seed).toBe(7);
    }
  });
});
