import { join } from "node:path";
import type { Run, RunJob } from "../../artifacts/index.js";
import { readAnswers } from "../../data/index.js";
import { type CommonRows, type RowResults, rowResults } from "../../evaluation/index.js";
import { labelDurations } from "../../labels/index.js";
import { FoldwiseError, places } from "../../types/index.js";

/** Rows by which a run's models are placed: never those of the test part. */
export type ComparedPart = "oof" | "val_calibrate";

/** What a finished job lost on each row of the part, from the answers that the run keeps; throws `data.*`. */
export async function resultsOf(
  run: Pick<Run, "dir">,
  { job, predictions }: RunJob,
  part: ComparedPart,
): Promise<RowResults> {
  if (predictions === null) {
    throw new FoldwiseError("data.no_predictions", `The run names no answers of ${job}.`, {
      remedy: "Fit its model again.",
    });
  }
  return rowResults(await readAnswers(join(run.dir, predictions), part));
}

/** (N) label durations in the common rows. */
export const durationsOf = ({ timestamps, labelEnds }: CommonRows): Int32Array =>
  labelDurations(timestamps, labelEnds, places(timestamps.length));
