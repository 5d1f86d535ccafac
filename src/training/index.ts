export type { TrainRunRequest } from "./call.js";
export { compareRuns, readSelections } from "./compare/index.js";
export { type CreateModelOptions, createModel, defaultPool } from "./createModel.js";
export {
  type CvPlan,
  type CvRequest,
  type CvRunResult,
  cvRun,
  type FoldAnswer,
  type FoldRows,
  type FoldWork,
  fitFold,
  planCv,
  rowsOfFold,
} from "./cv/index.js";
export type { TrainableModel } from "./model.js";
export {
  fittedRows,
  type PlannedJob,
  type PlannedSymbol,
  plannedOf,
} from "./planned.js";
export { type RunReports, readReports } from "./reports.js";
export { type RunResult, resumeRun, type TrainRunResult, trainRun } from "./run.js";
export { ModelTrainer, type TrainedModel, type TrainerOptions, type TrainModelOptions } from "./trainer.js";
export { type TuneRequest, type TuneRunResult, tuneRun } from "./tuning/index.js";
