/** The explicit list of built-in models, in the order in which they are shown. A new model is one import and one entry. */
import { blending } from "./blending/definition.js";
import { catboost } from "./catboost/definition.js";
import type { ModelDefinition } from "./definition.js";
import { gru } from "./gru/definition.js";
import { lightgbm } from "./lightgbm/definition.js";
import { logistic } from "./logistic/definition.js";
import { lstm } from "./lstm/definition.js";
import { randomForest } from "./random_forest/definition.js";
import { stacking } from "./stacking/definition.js";
import { svm } from "./svm/definition.js";
import { tcn } from "./tcn/definition.js";
import { transformer } from "./transformer/definition.js";
import { voting } from "./voting/definition.js";
import { xgboost } from "./xgboost/definition.js";

export const BUILTIN: readonly ModelDefinition[] = [
  xgboost,
  lightgbm,
  catboost,
  lstm,
  gru,
  tcn,
  transformer,
  randomForest,
  logistic,
  svm,
  voting,
  stacking,
  blending,
];
