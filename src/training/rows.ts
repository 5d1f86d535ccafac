import type { ScoredRows } from "../evaluation/index.js";
import { averageUniqueness, labelDurations } from "../labels/index.js";
import { FoldwiseError, gather, type StoredDataset } from "../types/index.js";
import { assertNoLeak, type HoldoutPlan, planHoldout } from "../validation/index.js";
import { requireWindow, withEmbargo, withWindows } from "./sequence.js";

/**
 * The rows of one training run: the same for every model and every horizon of the dataset.
 *
 * @param embargo Rows; `defaultEmbargo` when absent.
 * @param seqLen The longest window of the run, which raises the default and which all rows that are scored end.
 */
export function planRows(dataset: StoredDataset, embargo: number | undefined, seqLen: number | null): HoldoutPlan {
  requireWindow(dataset, seqLen);
  const { horizons, parts } = dataset.manifest;
  const fitted = parts.train.end - parts.train.start + parts.val.end - parts.val.start;
  const timestamps = dataset.timestamps();
  const labelEnds = horizons.map((horizon) => dataset.labelEnds(horizon));
  const labels = horizons.map((horizon) => dataset.labels(horizon));
  const plan = withEmbargo(embargo, fitted, seqLen, (applied) =>
    planHoldout({ timestamps, labels, labelEnds, parts, embargo: applied }),
  );
  assertNoLeak(plan, timestamps, labelEnds);
  return withWindows(plan, dataset, seqLen);
}

/** Training and stop rows as one part; both are purged and embargoed before the calibrate rows already. */
export function withStopRows(plan: HoldoutPlan): HoldoutPlan {
  const { train, stop } = plan.lost;
  const lost = (Object.keys(train) as (keyof typeof train)[]).map((key) => [key, train[key] + stop[key]]);
  return {
    ...plan,
    train: Int32Array.from([...plan.train, ...plan.stop]),
    stop: new Int32Array(0),
    lost: {
      ...plan.lost,
      train: Object.fromEntries(lost) as typeof train,
      stop: { unlabelled: 0, purged: 0, embargoed: 0, windowless: 0 },
    },
  };
}

/** Labels of `rows`; every one is −1, 0 or 1, since plans hold labelled rows only. */
export function labelsOf(dataset: StoredDataset, horizon: number, rows: Int32Array): Int8Array {
  requireHorizon(dataset, horizon);
  const labels = dataset.labels(horizon);
  return gather(labels, rows, new Int8Array(rows.length));
}

export function weightsOf(dataset: StoredDataset, horizon: number, rows: Int32Array): Float32Array {
  const weights = dataset.weights(horizon);
  return gather(weights, rows, new Float32Array(rows.length));
}

/** What `evaluatePart` needs of a part: labels, answers, and how much their labels overlap one another. */
export function scoredRows(dataset: StoredDataset, horizon: number, rows: Int32Array, p: Float32Array): ScoredRows {
  const times = dataset.timestamps();
  const ends = dataset.labelEnds(horizon);
  const uniqueness = averageUniqueness(times, ends, rows);
  return {
    y: labelsOf(dataset, horizon, rows),
    p,
    uniqueness: gather(uniqueness, rows, new Float32Array(rows.length)),
    durations: labelDurations(times, ends, rows),
  };
}

/** Throws `usage.unknown_horizon` with the horizons that there are. */
export function requireHorizon(dataset: StoredDataset, horizon: number): void {
  const { horizons, symbol } = dataset.manifest;
  if (horizons.includes(horizon)) return;
  throw new FoldwiseError(
    "usage.unknown_horizon",
    `The dataset of ${symbol} has no horizon ${horizon}; it has ${horizons.join(", ")}.`,
    {
      remedy: `Choose one of them, or prepare the bars again: foldwise prepare … --horizons ${[...horizons, horizon].sort((a, b) => a - b).join(",")}`,
    },
  );
}

/** First and last timestamp of the plan's test rows, microseconds. */
export function testRange(dataset: StoredDataset, plan: HoldoutPlan): { from: number; to: number } {
  const times = dataset.timestamps();
  return { from: times[plan.test[0]!]!, to: times[plan.test.at(-1)!]! };
}
