import { constants, copyFileSync, linkSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { encodeNpy, writeFileAtomic } from "../files/index.js";
import { type FeatureMatrix, type FeatureView, FoldwiseError, NO_LABEL } from "../types/index.js";

/** What a fit request names: a folder with `X.npy` and `y_h{horizon}.npy`, and row numbers in it. */
export interface EngineInput {
  dataset: string;
  horizon: number;
  trainRows: Int32Array;
  stopRows: Int32Array;
}

/**
 * Finds or makes that folder. Views of one stored dataset whose labels are the dataset's own cost nothing;
 * other labels get a file beside a link to the features; arrays in memory are written to `workDir`.
 */
export async function engineInput(
  XTrain: FeatureMatrix,
  yTrain: Int8Array,
  XStop: FeatureMatrix,
  yStop: Int8Array,
  workDir: string,
): Promise<EngineInput> {
  checkShapes(XTrain, yTrain, "training");
  checkShapes(XStop, yStop, "validation");
  checkSameFeatures(XTrain.featureNames, XStop.featureNames);
  if (XTrain.kind === "view" && XStop.kind === "view" && XTrain.dataset.dir === XStop.dataset.dir) {
    return stored(XTrain, yTrain, XStop, yStop, workDir);
  }
  return written(XTrain, yTrain, XStop, yStop, workDir);
}

function stored(
  XTrain: FeatureView,
  yTrain: Int8Array,
  XStop: FeatureView,
  yStop: Int8Array,
  workDir: string,
): EngineInput {
  const { dataset } = XTrain;
  const rows = { trainRows: XTrain.rows, stopRows: XStop.rows };
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
): Promise<EngineInput> {
  const [train, stop] = [await values(XTrain), await values(XStop)];
  const features = XTrain.featureNames.length;
  const X = new Float32Array(train.length + stop.length);
  X.set(train);
  X.set(stop, train.length);
  const y = new Int8Array(yTrain.length + yStop.length);
  y.set(yTrain);
  y.set(yStop, yTrain.length);
  writeFileAtomic(join(workDir, "X.npy"), encodeNpy("<f4", [y.length, features], X));
  writeFileAtomic(join(workDir, "y_h1.npy"), encodeNpy("|i1", [y.length], y));
  const trainRows = Int32Array.from(yTrain, (_, row) => row);
  const stopRows = Int32Array.from(yStop, (_, row) => yTrain.length + row);
  return { dataset: workDir, horizon: 1, trainRows, stopRows };
}

const values = (X: FeatureMatrix): Promise<Float32Array> | Float32Array => (X.kind === "view" ? X.read() : X.data);

function agrees(labels: Int8Array, rows: Int32Array, y: Int8Array): boolean {
  for (let i = 0; i < rows.length; i += 1) if (labels[rows[i]!] !== y[i]) return false;
  return true;
}

function checkShapes(X: FeatureMatrix, y: Int8Array, what: string): void {
  if (X.shape.length !== 2) {
    throw new FoldwiseError(
      "data.wrong_shape",
      `The ${what} features have shape (${X.shape.join(", ")}); this model takes rows (N, F).`,
      {
        remedy: "Give one row a bar; windows (N, T, F) are for sequence models.",
      },
    );
  }
  if (X.shape[0] !== y.length || X.shape[1] !== X.featureNames.length) {
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
