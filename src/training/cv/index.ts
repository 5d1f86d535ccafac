export { type CvRequest, type CvRunResult, cvRun, resumeCv } from "./run.js";
