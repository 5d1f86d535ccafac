/** The explicit list of built-in models, in the order in which they are shown. A new model is one import and one entry. */
import { catboost } from "./catboost/definition.js";
import type { ModelDefinition } from "./definition.js";
import { lightgbm } from "./lightgbm/definition.js";
import { logistic } from "./logistic/definition.js";
import { randomForest } from "./random_forest/definition.js";
import { svm } from "./svm/definition.js";
import { xgboost } from "./xgboost/definition.js";

export const BUILTIN: readonly ModelDefinition[] = [xgboost, lightgbm, catboost, randomForest, logistic, svm];
