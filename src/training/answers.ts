import { type PredictionBatch, viewOf, writePredictions } from "../data/index.js";
import { PREDICTION_COLUMNS, predictionBatch, type ServedModel } from "../inference/index.js";
import { gather, type PredictionOutput, type StoredDataset, throwIfAborted } from "../types/index.js";
import { labelsOf } from "./rows.js";

/** Parts of a predictions file that `train` writes. */
export type AnsweredPart = "val_stop" | "val_calibrate" | "test";

/** One part's rows as the served model answered them. */
export interface PartAnswers {
  part: AnsweredPart;
  rows: Int32Array;
  output: PredictionOutput;
}

/** Answers of the bundle, in Node: what is reported is what will be served. */
export async function answerParts(
  model: ServedModel,
  dataset: StoredDataset,
  parts: readonly { part: AnsweredPart; rows: Int32Array }[],
  signal?: AbortSignal,
): Promise<PartAnswers[]> {
  const answers: PartAnswers[] = [];
  for (const { part, rows } of parts) {
    throwIfAborted(signal);
    answers.push({ part, rows, output: await model.predict(viewOf(dataset, rows)) });
  }
  return answers;
}

/** Writes `predictions/{job}.parquet`. */
export async function writeAnswers(
  path: string,
  dataset: StoredDataset,
  horizon: number,
  answers: readonly PartAnswers[],
): Promise<void> {
  await writePredictions(
    path,
    PREDICTION_COLUMNS,
    answers.map((answer) => labelledBatch(dataset, horizon, answer)),
  );
}

/** Rows of a stored dataset as a model answered them, with their labels. */
export function labelledBatch(
  dataset: StoredDataset,
  horizon: number,
  { part, rows, output }: { part: string; rows: Int32Array; output: PredictionOutput },
): PredictionBatch {
  const at = (values: Float64Array): Float64Array => gather(values, rows, new Float64Array(rows.length));
  return predictionBatch({
    timestamps: at(dataset.timestamps()),
    rows,
    part,
    output,
    labels: labelsOf(dataset, horizon, rows),
    labelEnds: at(dataset.labelEnds(horizon)),
  });
}
