import { CLASS_COUNT, type Label } from "../types/index.js";
import { calibrationError } from "./calibration/reliability.js";
import { checkScored, checkWeights, likeliest, type Probabilities, rowLogLosses, weightedMean } from "./losses.js";

/** A confusion matrix: rows true, columns predicted, order −1, 0, 1. Counts, or sums of weights. */
export type ConfusionMatrix = [[number, number, number], [number, number, number], [number, number, number]];

export interface ClassScores {
  precision: number;
  recall: number;
  f1: number;
  /** Rows of the class (sum of their weights where weights are given). */
  support: number;
}

/** Scores of probabilities against labels. Losses in nats. */
export interface ClassificationMetrics {
  accuracy: number;
  /** Macro averages over the classes that occur among labels or predictions; a ratio 0/0 counts 0. */
  precision: number;
  recall: number;
  f1: number;
  logLoss: number;
  /** Mean squared distance to the one-hot truth, 0 … 2 (Brier, 1950). */
  brier: number;
  /** Matthews correlation for several classes (Gorodkin, 2004); 0 where it is undefined. */
  mcc: number;
  /** Expected calibration error of the confidence, 15 equal bins (Guo et al., 2017). */
  ece: number;
  confusionMatrix: ConfusionMatrix;
  /** In class order −1, 0, 1. */
  classScores: [ClassScores, ClassScores, ClassScores];
}

/**
 * Scores `p` (N, 3) against `y` (N). The predicted class is the likeliest, the first in the order −1, 0, 1 among equals.
 * With `w` (N, > 0) every row counts by its weight; metrics do not depend on the scale of `w`.
 * Throws `data.no_rows`, `data.bad_label`, `data.bad_probabilities`, `data.bad_weight`, `data.shape_mismatch`.
 */
export function classificationMetrics(
  y: Int8Array,
  p: Probabilities,
  w?: Float32Array | Float64Array,
): ClassificationMetrics {
  checkScored(y, p);
  if (w !== undefined) checkWeights(w, y.length);
  const confusionMatrix = confusion(y, p, w);
  const classScores = scoresByClass(confusionMatrix);
  const total = sum(confusionMatrix.flat());
  const predicted = columnSums(confusionMatrix);
  const occurring = classScores.filter((scores, k) => scores.support > 0 || predicted[k]! > 0);
  const macro = (key: "precision" | "recall" | "f1") => sum(occurring.map((scores) => scores[key])) / occurring.length;
  return {
    accuracy: diagonal(confusionMatrix) / total,
    precision: macro("precision"),
    recall: macro("recall"),
    f1: macro("f1"),
    logLoss: weightedMean(rowLogLosses(y, p), w),
    brier: weightedMean(rowBriers(y, p), w),
    mcc: matthews(confusionMatrix),
    ece: calibrationError(y, p, w),
    confusionMatrix,
    classScores,
  };
}

/**
 * Log-loss over the rows whose class the training rows had, and how many rows that leaves out.
 * A class never trained has probability 0, and one such row costs 34.5 nats: this stands beside the full figure.
 */
export function logLossOfTrained(
  y: Int8Array,
  p: Probabilities,
  trained: readonly Label[],
): { logLoss: number | null; rowsLeftOut: number } {
  const losses = rowLogLosses(y, p);
  const kept = losses.filter((_, i) => (trained as readonly number[]).includes(y[i]!));
  return { logLoss: kept.length === 0 ? null : weightedMean(kept), rowsLeftOut: y.length - kept.length };
}

function confusion(y: Int8Array, p: Probabilities, w?: Float32Array | Float64Array): ConfusionMatrix {
  const matrix: ConfusionMatrix = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let i = 0; i < y.length; i++) matrix[y[i]! + 1]![likeliest(p, i)]! += w === undefined ? 1 : w[i]!;
  return matrix;
}

function scoresByClass(matrix: ConfusionMatrix): [ClassScores, ClassScores, ClassScores] {
  const predicted = columnSums(matrix);
  const scores = (k: 0 | 1 | 2): ClassScores => {
    const support = sum(matrix[k]);
    const precision = ratio(matrix[k][k], predicted[k]);
    const recall = ratio(matrix[k][k], support);
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support };
  };
  return [scores(0), scores(1), scores(2)];
}

function matthews(matrix: ConfusionMatrix): number {
  const total = sum(matrix.flat());
  const predicted = columnSums(matrix);
  const actual = matrix.map(sum);
  const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, k) => value * b[k]!));
  const covariance = diagonal(matrix) * total - dot(predicted, actual);
  const spread = (total ** 2 - dot(predicted, predicted)) * (total ** 2 - dot(actual, actual));
  return spread > 0 ? Math.min(Math.max(covariance / Math.sqrt(spread), -1), 1) : 0;
}

/** Squared distance of a row's probabilities from what happened, 0 to 2. (N) */
export function rowBriers(y: Int8Array, p: Probabilities): Float64Array {
  const distances = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) {
    let distance = 0;
    for (let k = 0; k < CLASS_COUNT; k++) distance += (p[3 * i + k]! - (k === y[i]! + 1 ? 1 : 0)) ** 2;
    distances[i] = distance;
  }
  return distances;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
const diagonal = (matrix: ConfusionMatrix): number => matrix[0][0] + matrix[1][1] + matrix[2][2];
const columnSums = (matrix: ConfusionMatrix): [number, number, number] => [
  matrix[0][0] + matrix[1][0] + matrix[2][0],
  matrix[0][1] + matrix[1][1] + matrix[2][1],
  matrix[0][2] + matrix[1][2] + matrix[2][2],
];
