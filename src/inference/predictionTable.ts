import type { PredictionBatch, PredictionColumn } from "../data/index.js";
import { NO_LABEL, type PredictionOutput, type Timestamps } from "../types/index.js";

/** Columns of every predictions file (design, section 8), in this order; sets and signals stand last. */
export const PREDICTION_COLUMNS: readonly PredictionColumn[] = [
  { name: "timestamp", type: "stamp" },
  { name: "row", type: "int32" },
  { name: "part", type: "text" },
  // Small whole numbers, null outside of cross-validation.
  { name: "fold", type: "label" },
  { name: "repeat", type: "label" },
  { name: "label", type: "label" },
  { name: "label_end", type: "stamp" },
  { name: "prediction", type: "label" },
  { name: "p_short", type: "float32" },
  { name: "p_neutral", type: "float32" },
  { name: "p_long", type: "float32" },
  { name: "confidence", type: "float32" },
  // 1: the class is in the prediction set; null where there is none.
  { name: "set_short", type: "label" },
  { name: "set_neutral", type: "label" },
  { name: "set_long", type: "label" },
  // Null: no trade.
  { name: "signal", type: "label" },
];

/** Rows as a model answered them. */
export interface AnsweredRows {
  timestamps: Timestamps;
  rows: Int32Array;
  part: string;
  output: PredictionOutput;
  /** Absent where labels are not read: when predicting. */
  labels?: Int8Array;
  labelEnds?: Timestamps;
}

export function predictionBatch(answered: AnsweredRows): PredictionBatch {
  const { timestamps, rows, part, output, labels, labelEnds } = answered;
  const n = rows.length;
  const nothing = new Int8Array(n).fill(NO_LABEL);
  const column = (k: number): Float32Array =>
    Float32Array.from({ length: n }, (_, i) => output.probabilities[3 * i + k]!);
  const { sets } = output;
  const inSet = (k: number): Int8Array =>
    sets === undefined ? nothing : Int8Array.from({ length: n }, (_, i) => sets[3 * i + k]!);
  return {
    timestamp: timestamps,
    row: rows,
    part: new Array<string>(n).fill(part),
    fold: nothing,
    repeat: nothing,
    label: labels ?? nothing,
    label_end: labelEnds ?? new Float64Array(n).fill(Number.NaN),
    prediction: output.predictions,
    p_short: column(0),
    p_neutral: column(1),
    p_long: column(2),
    confidence: output.confidence,
    set_short: inSet(0),
    set_neutral: inSet(1),
    set_long: inSet(2),
    // `NO_TRADE` is written as null, as `NO_LABEL` is.
    signal: output.signals ?? nothing,
  };
}
