export { type FoldAnswer, type FoldRows, type FoldWork, fitFold, rowsOfFold } from "./fold.js";
export { type CvPlan, planCv } from "./plan.js";
export { type CvRequest, type CvRunResult, cvRun, resumeCv } from "./run.js";
