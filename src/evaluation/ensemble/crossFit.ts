import { CLASS_COUNT, FoldwiseError, gather } from "../../types/index.js";
import type { CrossFitFold } from "../crossFitFold.js";
import { type Probabilities, rowsAt } from "../losses.js";
import { type BaseAnswers, basesOfRows, checkLabelledBases } from "./bases.js";

export interface CrossFitted {
  /** (M) rows that a fold tested, ascending. */
  rows: Int32Array;
  /** (M, 3) what the fit that had not seen the row says of it. */
  p: Float64Array;
}

/**
 * Out-of-fold answers of anything that is fitted on rows: `fitRows` gets a fold's training rows and returns a function of rows,
 * which is asked about the tested rows only. Nothing that was fitted on a row scores it there.
 *
 *     fold 0   test test  ·  train train train
 *     fold 1   train  ·  test test  ·  train       · purged: neither
 *
 * @param n Rows; the folds' numbers are 0 … n − 1.
 * @param folds At least one; every row is tested at most once.
 * @returns Rows that no fold tests are left out.
 * @throws FoldwiseError `usage.folds` for no fold, an empty one, a row tested twice, trained and tested in one fold, or out of
 *   range; `data.shape_mismatch` where an answer is not (rows, 3).
 */
export function crossFit(
  n: number,
  folds: readonly CrossFitFold[],
  fitRows: (train: Int32Array) => (test: Int32Array) => Probabilities,
): CrossFitted {
  const foldOf = checkFolds(n, folds);
  const all = new Float64Array(n * CLASS_COUNT);
  for (const { train, test } of folds) {
    const p = fitRows(train)(test);
    if (p.length !== test.length * CLASS_COUNT) {
      throw new FoldwiseError("data.shape_mismatch", `Got ${p.length} probabilities for ${test.length} tested rows.`, {
        remedy: "Return 3 probabilities for each of the rows that are asked about, in their order.",
      });
    }
    for (let i = 0; i < test.length; i++) {
      for (let k = 0; k < CLASS_COUNT; k++) all[3 * test[i]! + k] = p[3 * i + k]!;
    }
  }
  const rows = Int32Array.from([...foldOf.keys()].filter((row) => foldOf[row]! >= 0));
  return { rows, p: rowsAt(all, rows) };
}

/** Some rows of labelled bases. */
export interface BaseRows {
  /** Row numbers, in order. */
  rows: Int32Array;
  /** Their labels. */
  y: Int8Array;
  /** The bases' answers to them. */
  bases: BaseAnswers[];
}

/**
 * `crossFit` for what is fitted on the answers of base models: voting weights, greedy selection, a meta-learner.
 *
 *     crossFitted(y, bases, folds, ({ rows, y, bases }) => {
 *       const { weights } = fitVotingWeights(y, bases, { effectiveLabels: labelsWorth(rows) });
 *       return (tested) => softVote(tested, weights);
 *     });
 *
 * The labels that a fold's fit counts are those of its own rows: `labelsWorth` sums their uniqueness.
 *
 * @param y (N) in −1, 0, 1.
 * @param bases (B ≥ 2) of (N, 3) each.
 * @throws FoldwiseError what `checkLabelledBases` and `crossFit` throw.
 */
export function crossFitted(
  y: Int8Array,
  bases: readonly BaseAnswers[],
  folds: readonly CrossFitFold[],
  fitBases: (train: BaseRows) => (tested: BaseAnswers[]) => Probabilities,
): CrossFitted {
  const n = checkLabelledBases(y, bases);
  return crossFit(n, folds, (train) => {
    const answer = fitBases({
      rows: train,
      y: gather(y, train, new Int8Array(train.length)),
      bases: basesOfRows(bases, train),
    });
    return (test) => answer(basesOfRows(bases, test));
  });
}

/** (n) the fold that tests each row, or −1. */
function checkFolds(n: number, folds: readonly CrossFitFold[]): Int32Array {
  const refuse = (message: string, details: Record<string, unknown> = {}): never => {
    throw new FoldwiseError("usage.folds", message, {
      remedy: "Give the folds of a purged splitter over exactly these rows: purgedKFold or walkForward.",
      details,
    });
  };
  if (folds.length === 0) refuse("There is no fold to fit.");
  const foldOf = new Int32Array(n).fill(-1);
  folds.forEach(({ train, test }, f) => {
    if (train.length === 0) refuse(`Fold ${f} has no training row.`, { fold: f });
    if (test.length === 0) refuse(`Fold ${f} tests no row.`, { fold: f });
    const outside = [train, test].flatMap((rows) => {
      const row = rows.find((each) => !(each >= 0 && each < n));
      return row === undefined ? [] : [row];
    });
    if (outside.length > 0) refuse(`Fold ${f} has row ${outside[0]}; there are rows 0 … ${n - 1}.`, { fold: f });
    for (const row of test) {
      if (foldOf[row]! >= 0) refuse(`Row ${row} is tested by the folds ${foldOf[row]} and ${f}.`, { fold: f, row });
      foldOf[row] = f;
    }
    const both = train.find((row) => foldOf[row] === f);
    if (both !== undefined) refuse(`Fold ${f} trains on row ${both}, which it tests.`, { fold: f, row: both });
  });
  return foldOf;
}
