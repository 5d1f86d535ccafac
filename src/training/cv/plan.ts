import type { TrainingConfig } from "../../config/index.js";
import { FoldwiseError, NO_LABEL, type StoredDataset } from "../../types/index.js";
import {
  type BacktestPath,
  backtestPaths,
  combinatorialPurged,
  type Fold,
  latestEnds,
  purgeBefore,
  purgedKFold,
  rowsWithWindow,
  type SplitInput,
  type WalkForwardSteps,
  walkForward,
} from "../../validation/index.js";
import { requireWindow, withEmbargo } from "../sequence.js";

/** Whose rows: those of train and validation; test rows are never looked at. */
export interface CvPlan extends SplitInput {
  folds: PlannedFold[];
  scheme: { name: CvScheme["scheme"]; description: string };
  /** Of CPCV. */
  paths: BacktestPath[] | null;
  /** Rows of train and validation that are not used, by reason. */
  lost: { unlabelled: number; windowless: number; reachingTest: number };
}

export type PlannedFold = Fold & { groups?: number[] };

/** The part of `validation` in the configuration that names a scheme. */
export type CvScheme = Omit<TrainingConfig["validation"], "embargo">;

/**
 * Which rows each fold fits and tests: the same for every model and every horizon of the dataset.
 *
 * @param embargo Rows; `defaultEmbargo` when absent.
 * @param seqLen The longest window of the run, which raises the default embargo and which all rows end.
 * @throws FoldwiseError what the splitters throw, and `data.no_rows` and `data.no_window`.
 */
export function planCv(
  dataset: StoredDataset,
  scheme: CvScheme,
  embargo: number | undefined,
  seqLen: number | null,
): CvPlan {
  const { horizons, parts } = dataset.manifest;
  requireWindow(dataset, seqLen, parts.val.end);
  const timestamps = dataset.timestamps();
  const labels = horizons.map((horizon) => dataset.labels(horizon));
  const ends = latestEnds(horizons.map((horizon) => dataset.labelEnds(horizon)));
  const all = [parts.train, parts.val].reduce((rows, { start, end }) => rows + end - start, 0);
  const usable = new Int32Array(all);
  let count = 0;
  for (const { start, end } of [parts.train, parts.val]) {
    for (let row = start; row < end; row++) {
      if (!Number.isNaN(ends[row]!) && labels.every((y) => y[row] !== NO_LABEL)) usable[count++] = row;
    }
  }
  const labelled = usable.slice(0, count);
  const windowed = seqLen === null ? labelled : rowsWithWindow(labelled, dataset.piece(), seqLen);
  const test = timestamps[parts.test.start];
  const { kept: rows } = test === undefined ? { kept: windowed } : purgeBefore(windowed, ends, test);
  if (rows.length === 0) {
    throw new FoldwiseError("data.no_rows", `None of the ${all} rows of train and validation can be used.`, {
      remedy: "Use more bars, shorter horizons, or a shorter window (--seq-len).",
    });
  }
  const splits = withEmbargo(embargo, all, seqLen, (applied) => {
    const input: SplitInput = { timestamps, ends, rows, embargo: applied };
    return { ...input, ...splitsOf(input, scheme) };
  });
  return {
    ...splits,
    lost: {
      unlabelled: all - labelled.length,
      windowless: labelled.length - windowed.length,
      reachingTest: windowed.length - rows.length,
    },
  };
}

function splitsOf(input: SplitInput, scheme: CvScheme): Pick<CvPlan, "folds" | "paths" | "scheme"> {
  switch (scheme.scheme) {
    case "kfold":
      return {
        folds: purgedKFold(input, scheme.folds),
        paths: null,
        scheme: { name: "kfold", description: `purged ${scheme.folds}-fold cross-validation` },
      };
    case "walk-forward": {
      const steps = stepsOf(scheme);
      const folds = walkForward(input, { steps, window: scheme.window });
      const by = steps.by === "calendar" ? `by ${steps.period}, ` : "";
      return {
        folds,
        paths: null,
        scheme: { name: "walk-forward", description: `walk-forward, ${by}${folds.length} steps, ${scheme.window}` },
      };
    }
    case "cpcv": {
      const options = { groups: scheme.groups, testGroups: scheme.test_groups };
      const folds = [...combinatorialPurged(input, options)];
      const paths = backtestPaths(options);
      return {
        folds,
        paths,
        scheme: {
          name: "cpcv",
          description: `combinatorial purged cross-validation, ${options.groups} choose ${options.testGroups}, ${paths.length} paths`,
        },
      };
    }
  }
}

/** By calendar where a period is named, by rows where they are, else by the number of folds. */
function stepsOf({ folds, period, train_periods, train_rows, test_rows }: CvScheme): WalkForwardSteps {
  if (period !== null && (train_rows !== null || test_rows !== null)) {
    throw badSteps("A walk-forward goes by calendar (period) or by rows (train_rows, test_rows), not by both.");
  }
  if (period !== null) return { by: "calendar", period, train: train_periods };
  if (train_rows === null && test_rows === null) return { by: "folds", folds };
  if (train_rows === null || test_rows === null) {
    throw badSteps("A walk-forward by rows needs both train_rows and test_rows.");
  }
  return { by: "rows", train: train_rows, test: test_rows };
}

const badSteps = (message: string): FoldwiseError =>
  new FoldwiseError("usage.walk_forward", message, {
    remedy: "Give --train-rows and --test-rows, or --period and --train-periods, or --folds.",
  });
