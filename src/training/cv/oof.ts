import { writePredictions } from "../../data/index.js";
import { likeliest } from "../../evaluation/index.js";
import { PREDICTION_COLUMNS } from "../../inference/index.js";
import type { PredictionOutput, StoredDataset } from "../../types/index.js";
import { labelledBatch } from "../answers.js";
import type { FoldAnswer } from "./fold.js";
import type { PlannedFold } from "./plan.js";

/** A fold with its answers. */
export interface AnsweredFold {
  fold: PlannedFold;
  answer: FoldAnswer;
  /** Number of its seed among the seeds. */
  repeat: number;
}

/** Writes `oof/{job}.parquet`: every tested row of every fold, `repeat` numbers the seeds. */
export async function writeOof(
  path: string,
  dataset: StoredDataset,
  horizon: number,
  folds: readonly AnsweredFold[],
): Promise<void> {
  await writePredictions(
    path,
    PREDICTION_COLUMNS,
    folds.map(({ fold, answer, repeat }) => ({
      ...labelledBatch(dataset, horizon, { part: "oof", rows: fold.test, output: outputOf(answer.p) }),
      fold: new Int8Array(fold.test.length).fill(fold.fold),
      repeat: new Int8Array(fold.test.length).fill(repeat),
    })),
  );
}

function outputOf(p: Float32Array): PredictionOutput {
  const n = p.length / 3;
  const predictions = new Int8Array(n);
  const confidence = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const k = likeliest(p, i);
    predictions[i] = k - 1;
    confidence[i] = p[3 * i + k]!;
  }
  return { predictions, probabilities: p, confidence };
}
