export { type CreateModelOptions, createModel, defaultPool } from "./createModel.js";
export type { TrainableModel } from "./model.js";
export { readReports, resumeRun, type TrainRunRequest, type TrainRunResult, trainRun } from "./run.js";
export { ModelTrainer, type TrainedModel, type TrainerOptions, type TrainModelOptions } from "./trainer.js";
