import { CLASS_COUNT, FoldwiseError, gather } from "../../types/index.js";
import type { CrossFitFold } from "../crossFitFold.js";
import { type Probabilities, rowsAt } from "../losses.js";
import type { ClassShares } from "../prior.js";
import { applyCalibrator, type CalibratorKind } from "./calibrator.js";
import { fitCalibrator, trainedClasses } from "./fit.js";

/** The rows that a fold tests, ascending. @throws FoldwiseError `data.bad_folds`. */
export function testedRows(folds: readonly CrossFitFold[], n: number): Int32Array {
  const tested = new Uint8Array(n);
  const refuse = (what: string): never => {
    throw new FoldwiseError("data.bad_folds", `The folds to calibrate by are wrong: ${what}.`, {
      remedy:
        "Give folds of positions among the rows to calibrate on, such as purgedKFold makes, each row tested at most once.",
    });
  };
  for (const [f, { train, test }] of folds.entries()) {
    const inside = new Uint8Array(n);
    for (const i of test) {
      if (!(i >= 0 && i < n)) refuse(`fold ${f} tests row ${i} of ${n}`);
      if (tested[i] === 1) refuse(`row ${i} is tested twice`);
      tested[i] = inside[i] = 1;
    }
    for (const i of train) {
      if (!(i >= 0 && i < n)) refuse(`fold ${f} fits on row ${i} of ${n}`);
      if (inside[i] === 1) refuse(`fold ${f} fits on row ${i}, which it tests`);
    }
  }
  const rows = Int32Array.from([...tested.keys()].filter((i) => tested[i] === 1));
  return rows.length > 0 ? rows : refuse("no row is tested");
}

/** (N, 3) each tested row as the kind fitted on its fold's `train` says it; raw where there is no such fit. */
export function crossFitted(
  kind: CalibratorKind,
  y: Int8Array,
  raw: Probabilities,
  options: { prior: ClassShares; folds: readonly CrossFitFold[]; effectiveLabels: number },
): Float64Array {
  const { prior, folds } = options;
  const answers = Float64Array.from(raw);
  if (kind === "none") return answers;
  for (const { train, test } of folds) {
    const yTrain = gather(y, train, new Int8Array(train.length));
    if (trainedClasses(yTrain, prior).length < 2) continue;
    const effectiveLabels = (options.effectiveLabels * train.length) / y.length;
    const calibrator = fitCalibrator(kind, yTrain, rowsAt(raw, train), { prior, effectiveLabels });
    const said = applyCalibrator(calibrator, rowsAt(raw, test));
    for (const [j, i] of test.entries())
      answers.set(said.subarray(CLASS_COUNT * j, CLASS_COUNT * (j + 1)), CLASS_COUNT * i);
  }
  return answers;
}
