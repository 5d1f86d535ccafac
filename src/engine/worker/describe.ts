import { basename } from "node:path";
import type { WorkerJob } from "./state.js";

/** What errors and logs call a job: `fit of xgboost, horizon 20 (xgboost_MES_h20)`. */
export function describeJob(job: WorkerJob, label: string | null): string {
  const suffix = label === null ? "" : ` (${label})`;
  switch (job.type) {
    case "hello":
      return "the worker's greeting";
    case "fit":
      return `fit of ${job.model}, horizon ${job.horizon}${suffix}`;
    case "predict":
      return `predict by ${job.model}${suffix}`;
    case "export":
      return `export of ${job.model} to ${basename(job.out)}${suffix}`;
    case "tuner":
      return "the import of Optuna";
    default:
      return `${STEPS[job.type]} study ${job.study.name}${suffix}`;
  }
}

const STEPS = {
  study: "opening",
  ask: "asking",
  report: "reporting to",
  tell: "telling",
  requeue: "requeuing trials of",
  importance: "parameter importance of",
  trials: "reading",
};
