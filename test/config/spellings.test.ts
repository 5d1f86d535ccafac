import { describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { workingFolder } from "./support.js";

/** What a person brings from the library's own documentation. */
const FILES = {
  lightgbm: {
    text: `model_params:
  boosting_type: gbdt
  eta: 0.07
  reg_lambda: 2
  subsample: 0.6
  min_child_samples: 33
  n_estimators: 77
  early_stopping_round: 9
  nthread: 3
  verbose: -1
  random_state: 1
`,
    model: { learning_rate: 0.07, lambda_l2: 2, bagging_fraction: 0.6, min_data_in_leaf: 33, boosting: "gbdt" },
  },
  catboost: {
    text: `model_params:
  objective: MultiClass
  eta: 0.07
  reg_lambda: 2
  max_depth: 5
  colsample_bylevel: 0.6
  iterations: 77
  od_wait: 9
  thread_count: 3
  verbose: 100
  random_state: 1
`,
    model: { learning_rate: 0.07, l2_leaf_reg: 2, depth: 5, rsm: 0.6, loss_function: "MultiClass" },
  },
};

describe("the libraries' other spellings", () => {
  it.each(Object.entries(FILES))("of %s are taken, with one notice each", (id, { text, model }) => {
    const cwd = workingFolder({ "x.yaml": text });
    const training = resolveTrainingConfig({ cwd, configFile: "x.yaml" });
    const resolved = resolveModelConfig(ModelRegistry.getModel(id), { training });
    expect(resolved.model_params).toMatchObject(model);
    expect(resolved.training).toMatchObject({ num_boost_round: 77, early_stopping_rounds: 9 });
    expect(resolved.notices).toHaveLength(text.trim().split("\n").length - 1);
  });
});
