import { describe, expect, it } from "vitest";
import {
  loadModelFile,
  loadYaml,
  resolveModelConfig,
  resolveTrainingConfig,
  trainingFileSchema,
} from "../../src/config/index.js";
import { packageRoot } from "../../src/files/index.js";
import { ModelRegistry } from "../../src/models/index.js";

const cwd = packageRoot();
const fixture = (name: string): string => `test/fixtures/requirements/${name}.yaml`;

describe("the requirements' own files, as they are written there", () => {
  it("training.yaml loads, and says what the defaults say", () => {
    const { value } = loadYaml(fixture("training"), trainingFileSchema);
    expect(value).toEqual(trainingFileSchema.parse({}));
    expect(resolveTrainingConfig({ cwd, configFile: fixture("training") }).config.training.default_horizons).toEqual([
      5, 10, 15, 20,
    ]);
  });

  it("xgboost.yaml loads, with one notice for the key that has no effect", () => {
    const training = resolveTrainingConfig({ cwd, configFile: fixture("xgboost") });
    const resolved = resolveModelConfig(ModelRegistry.getModel("xgboost"), { training });
    expect(resolved.model_params).toMatchObject({ max_depth: 6, learning_rate: 0.1, subsample: 0.8, num_class: 3 });
    expect(resolved.training).toEqual({ num_boost_round: 1000, early_stopping_rounds: 50, class_weight: "none" });
    expect(resolved.notices).toEqual([
      "test/fixtures/requirements/xgboost.yaml:14:3: training.verbose_eval has no effect: progress is shown by Foldwise (--quiet turns it off).",
    ]);
  });

  it("lstm.yaml loads, though its model is not registered", () => {
    expect(loadModelFile(fixture("lstm")).value).toEqual({
      model_params: { hidden_size: 128, num_layers: 2, dropout: 0.2 },
      training: { max_epochs: 200, batch_size: 256, lr: 0.001, patience: 20, seq_len: 30 },
    });
  });
});
