/** What the conformance suite goes through. */
import { existsSync, readdirSync } from "node:fs";
import { loadPlugins, type ModelDefinition, ModelRegistry } from "../../src/models/index.js";

const PLUGINS = readdirSync("examples/plugins", { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => `examples/plugins/${entry.name}/${entry.name}.js`)
  .filter((path) => existsSync(path));
await loadPlugins(PLUGINS, process.cwd());

/** Short windows, small networks and forests, large steps, little patience: what is tested does not depend on their size. */
const SEQ_LEN = 6;
const QUICK = { seq_len: SEQ_LEN, lr: 0.01, patience: 3, max_epochs: 60 };
const BOOSTING = { early_stopping_rounds: 10 };
const SMALL: Record<string, Record<string, unknown>> = {
  xgboost: { learning_rate: 0.2 },
  lightgbm: { learning_rate: 0.2 },
  catboost: { learning_rate: 0.2 },
  random_forest: { n_estimators: 20 },
  extra_trees: { n_estimators: 20 },
  lstm: { hidden_size: 16 },
  gru: { hidden_size: 16 },
  tcn: { channels: 16 },
  voting: { bases: ["lightgbm", "logistic"] },
  stacking: { bases: ["lightgbm", "logistic"], folds: 2 },
  blending: { bases: ["lightgbm", "logistic"] },
  transformer: { d_model: 16, nhead: 2, dim_feedforward: 16, num_layers: 2 },
};

/** Of the ensembles' bases. */
export const PARTS = { lightgbm: { model_params: SMALL.lightgbm!, training: BOOSTING } };

/** Sequence models go through the suite in both ways of training. */
export interface Case {
  name: string;
  definition: ModelDefinition;
  config: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
  /** Rows of a window. */
  seqLen: number;
}

/** Of every registered model and the example plug-ins. */
export const CASES = ModelRegistry.listAll().flatMap((definition): Case[] => {
  const { id, capabilities } = definition;
  const model_params = SMALL[id] ?? {};
  if (capabilities.input === "tabular") {
    const training = "early_stopping_rounds" in definition.training.shape ? BOOSTING : {};
    return [{ name: id, definition, config: { model_params, training }, seqLen: 1 }];
  }
  return ["dense", "windowed"].map((mode) => ({
    name: `${id}, ${mode}`,
    definition,
    config: { model_params, training: { ...QUICK, mode } },
    seqLen: SEQ_LEN,
  }));
});
