import { constants, copyFileSync, linkSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FitRequest } from "../engine/index.js";
import { encodeNpy, writeFileAtomic } from "../files/index.js";
import { type FeatureMatrix, type FeatureView, FoldwiseError, NO_LABEL, places } from "../types/index.js";
import { examplesOf } from "./sequence.js";

/** What a fit request names: a folder with `X.npy` and `y_h{horizon}.npy`, and row numbers in it. */
export interface EngineInput {
  dataset: string;
  horizon: number;
  /** Of the examples: rows, or the last rows of windows. */
  trainRows: Int32Array;
  stopRows: Int32Array;
  /** Positions of the examples in what was given; without windows, all. */
  train: Int32Array;
  stop: Int32Array;
  window: NonNullable<FitRequest["window"]> | null;
  /** Folder of the stored dataset whose row numbers these are; null for numbers of rows that were written out. */
  rowsOf: string | null;
}

type Located = Omit<EngineInput, "train" | "stop">;

/**
 * Finds or makes that folder. Views of one stored dataset whose labels are the dataset's own cost nothing;
 * other labels get a file beside a link to the features; arrays in memory are written to `workDir`.
 *
 * With `seqLen` an example is a window of so many rows; what ends none is left out. Training windows of a view do not begin
 * before the dataset's training part.
 */
export async function engineInput(
  XTrain: FeatureMatrix,
  yTrain: Int8Array,
  XStop: FeatureMatrix,
  yStop: Int8Array,
  workDir: string,
  seqLen: number | null = null,
): Promise<EngineInput> {
  checkShapes(XTrain, yTrain, "training", seqLen);
  checkShapes(XStop, yStop, "validation", seqLen);
  checkSameFeatures(XTrain.featureNames, XStop.featureNames);
  const located =
    XTrain.kind === "view" && XStop.kind === "view" && XTrain.dataset.dir === XStop.dataset.dir
      ? stored(XTrain, yTrain, XStop, yStop, workDir)
      : await written(XTrain, yTrain, XStop, yStop, workDir, seqLen);
  if (seqLen === null) return { ...located, window: null, train: places(yTrain.length), stop: places(yStop.length) };
  const from = located.window?.from ?? 0;
  const train = examplesOf(XTrain, seqLen, "of training", from);
  const stop = examplesOf(XStop, seqLen, "of validation");
  return {
    ...located,
    window: located.window === null ? null : { ...located.window, length: seqLen },
    trainRows: train.map((i) => located.trainRows[i]!),
    stopRows: stop.map((i) => located.stopRows[i]!),
    train,
    stop,
  };
}

function stored(
  XTrain: FeatureView,
  yTrain: Int8Array,
  XStop: FeatureView,
  yStop: Int8Array,
  workDir: string,
): Located {
  const { dataset } = XTrain;
  const { start } = dataset.manifest.parts.train;
  const window = {
    length: 1,
    piece: join(dataset.dir, "piece.npy"),
    // A fit on later rows than the training part's, as of a fold, begins where they do.
    from: Math.min(start, XTrain.rows[0] ?? start),
    to: (XTrain.rows.at(-1) ?? 0) + 1,
  };
  const rows = { trainRows: XTrain.rows, stopRows: XStop.rows, window, rowsOf: dataset.dir };
  for (const horizon of dataset.manifest.horizons) {
    const labels = dataset.labels(horizon);
    if (agrees(labels, XTrain.rows, yTrain) && agrees(labels, XStop.rows, yStop)) {
      return { dataset: dataset.dir, horizon, ...rows };
    }
  }
  const y = new Int8Array(dataset.manifest.rows).fill(NO_LABEL);
  setLabels(y, XTrain.rows, yTrain);
  setLabels(y, XStop.rows, yStop);
  placeFile(join(dataset.dir, "X.npy"), join(workDir, "X.npy"));
  writeFileAtomic(join(workDir, "y_h1.npy"), encodeNpy("|i1", [y.length], y));
  return { dataset: workDir, horizon: 1, ...rows };
}

/** One file has one label a row, so a row that is given twice must have the same twice. */
function setLabels(y: Int8Array, rows: Int32Array, labels: Int8Array): void {
  for (let i = 0; i < labels.length; i += 1) {
    const row = rows[i]!;
    if (y[row] !== NO_LABEL && y[row] !== labels[i]) {
      throw new FoldwiseError(
        "data.conflicting_labels",
        `Row ${row} of the dataset is given with label ${y[row]} and with label ${labels[i]}.`,
        { remedy: "Give training and validation rows that do not overlap, or the same labels for both." },
      );
    }
    y[row] = labels[i]!;
  }
}

const copyFile = (from: string, to: string): void => copyFileSync(from, to, constants.COPYFILE_EXCL);

/** Links `to` to a file, or copies it: Windows forbids symbolic links to ordinary users, hard links end at the volume. */
export function placeFile(from: string, to: string, ways = [symlinkSync, linkSync, copyFile]): void {
  for (const [i, way] of ways.entries()) {
    try {
      way(resolve(from), to);
      return;
    } catch (error) {
      if (i === ways.length - 1) throw error;
    }
  }
}

async function written(
  XTrain: FeatureMatrix,
  yTrain: Int8Array,
  XStop: FeatureMatrix,
  yStop: Int8Array,
  workDir: string,
  seqLen: number | null,
): Promise<Located> {
  if (seqLen !== null) refuseBroken(XTrain, XStop);
  const [train, stop] = [await values(XTrain), await values(XStop)];
  const features = XTrain.featureNames.length;
  const [trainExamples, stopExamples] = [XTrain, XStop].map((M) => rowsOfEach(M)) as [Examples, Examples];
  const X = new Float32Array(train.length + stop.length);
  X.set(train);
  X.set(stop, train.length);
  const trained = train.length / features;
  const y = new Int8Array(X.length / features).fill(NO_LABEL);
  const trainRows = trainExamples.ends;
  const stopRows = stopExamples.ends.map((row) => row + trained);
  setLabels(y, trainRows, yTrain);
  setLabels(y, stopRows, yStop);
  writeFileAtomic(join(workDir, "X.npy"), encodeNpy("<f4", [y.length, features], X));
  writeFileAtomic(join(workDir, "y_h1.npy"), encodeNpy("|i1", [y.length], y));
  const located = { dataset: workDir, horizon: 1, trainRows, stopRows, rowsOf: null };
  if (seqLen === null) return { ...located, window: null };
  const file = join(workDir, "piece.npy");
  const piece = Int32Array.from([...trainExamples.piece, ...stopExamples.piece.map((of) => of + yTrain.length)]);
  writeFileAtomic(file, encodeNpy("<i4", [piece.length], piece));
  return { ...located, window: { length: 1, piece: file, from: 0, to: trained } };
}

/** Copied out of its dataset, a view with holes would have neighbours that are none: windows would bridge what lies between. */
function refuseBroken(...matrices: FeatureMatrix[]): void {
  if (matrices.every((X) => X.kind !== "view" || isUnbroken(X))) return;
  throw new FoldwiseError(
    "data.two_datasets",
    "Training and validation rows are not of one stored dataset, and those of one have holes or several pieces: a sequence model's windows would bridge them.",
    { remedy: "Take training and validation rows from one dataset, or give arrays of windows (N, T, F) for both." },
  );
}

function isUnbroken({ rows, dataset }: FeatureView): boolean {
  const piece = dataset.piece();
  return rows.every((row, i) => i === 0 || (row === rows[i - 1]! + 1 && piece[row] === piece[row - 1]));
}

interface Examples {
  /** (examples): the last row of each. */
  ends: Int32Array;
  /** (rows). */
  piece: Int32Array;
}

/** Rows in memory are one unbroken piece; windows in memory are one each. */
function rowsOfEach({ shape }: FeatureMatrix): Examples {
  const [n] = shape;
  const length = shape.length === 3 ? shape[1] : 1;
  return {
    ends: Int32Array.from({ length: n }, (_, i) => (i + 1) * length - 1),
    piece: Int32Array.from({ length: n * length }, (_, row) => (shape.length === 3 ? Math.floor(row / length) : 0)),
  };
}

const values = (X: FeatureMatrix): Promise<Float32Array> | Float32Array => (X.kind === "view" ? X.read() : X.data);

function agrees(labels: Int8Array, rows: Int32Array, y: Int8Array): boolean {
  for (let i = 0; i < rows.length; i += 1) if (labels[rows[i]!] !== y[i]) return false;
  return true;
}

function checkShapes(X: FeatureMatrix, y: Int8Array, what: string, seqLen: number | null): void {
  const wrong = seqLen === null ? X.shape.length !== 2 : X.shape.length === 3 && X.shape[1] !== seqLen;
  if (wrong) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `The ${what} features have shape (${X.shape.join(", ")}); this model takes ${seqLen === null ? "rows (N, F)" : `rows (N, F) or windows (N, ${seqLen}, F)`}.`,
      {
        remedy:
          seqLen === null
            ? "Give one row a bar; windows (N, T, F) are for sequence models."
            : "Give windows of that length (training.seq_len), or rows, of which the model makes its windows.",
      },
    );
  }
  if (X.shape[0] !== y.length || X.shape.at(-1) !== X.featureNames.length) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `The ${what} features have shape (${X.shape.join(", ")}), with ${y.length} labels and ${X.featureNames.length} feature names.`,
      { remedy: "Give one label a row and one name a column." },
    );
  }
  for (let row = 0; row < y.length; row += 1) {
    if (y[row]! < -1 || y[row]! > 1) {
      throw new FoldwiseError(
        "data.bad_label",
        `The ${what} label of row ${row} is ${y[row]}; allowed are -1, 0 and 1.`,
        {
          remedy: "Leave context rows (without a label) out of the rows that are fitted.",
        },
      );
    }
  }
}

function checkSameFeatures(train: readonly string[], stop: readonly string[]): void {
  if (train.length === stop.length && train.every((name, column) => stop[column] === name)) return;
  throw new FoldwiseError("data.features_differ", "Training and validation features differ in name or order.", {
    remedy: "Give both the same columns in the same order.",
  });
}
