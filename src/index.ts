/// <reference types="node" preserve="true" />
/** Foldwise's public interface. Prediction (`loadModel`) needs no Python; training runs its engines in worker processes. */
export { type BundleManifest, type Decision, Run } from "./artifacts/index.js";
export { generateDemoBars, writeDemoData } from "./data/demo/index.js";
export {
  type OpenDatasetOptions,
  openDataset,
  openDatasetFile,
  readBars,
  viewOf,
  writeDataset,
} from "./data/index.js";
export { createPool, type EnginePool, type PoolOptions } from "./engine/index.js";
export { type ClassificationMetrics, classificationMetrics, NO_TRADE } from "./evaluation/index.js";
export {
  computeFeatures,
  defineFeature,
  type FeatureDefinition,
  type FeaturePlan,
  FeatureStream,
  planFeatures,
} from "./features/index.js";
export {
  type DecidedRows,
  decide,
  loadModel,
  type ServedModel,
  type StreamedAnswer,
  type StreamedRow,
  StreamingPredictor,
} from "./inference/index.js";
export { tripleBarrier } from "./labels/index.js";
export {
  loadPlugins,
  type ModelDefinition,
  ModelRegistry,
  type TypeScriptModelDefinition,
} from "./models/index.js";
export { type PrepareOptions, type PrepareSummary, prepareConfigSchema, prepareDataset } from "./prepare/index.js";
export type { Report } from "./report/index.js";
export {
  type CreateModelOptions,
  createModel,
  ModelTrainer,
  type TrainedModel,
  type TrainerOptions,
  type TrainModelOptions,
} from "./training/index.js";
export * from "./types/index.js";
export {
  combinatorialPurged,
  type Fold,
  type HoldoutPlan,
  planHoldout,
  purgedKFold,
  type SplitInput,
  stopSlice,
  walkForward,
} from "./validation/index.js";
