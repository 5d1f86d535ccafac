import { type Bars, FoldwiseError, type RowRange } from "../types/index.js";
import { barrierDistance, labelOne, newOutcome } from "./barrier.js";
import { reachOf, type TripleBarrierOptions } from "./triple-barrier.js";

export interface NeutralOptions extends Omit<TripleBarrierOptions, "k" | "atr" | "atrPeriod"> {
  atr: Float64Array;
  /** The training part. Only rows whose H bars lie inside it are used, so k knows nothing of validation or test. */
  rows: RowRange;
  /** Wanted share of label 0, inside (0, 1). */
  target: number;
}

export interface NeutralSolution {
  k: number;
  /** Share of label 0 that k gives on the rows used. */
  share: number;
  /** Rows used. */
  rows: number;
}

const SMALLEST_K = 1 / 64;
const DOUBLINGS = 10;
const CLOSE_ENOUGH = 0.0005;

/**
 * Finds the k at which the wanted share of training rows is neutral.
 *
 * The share grows with k (fewer touches) except near k = 0, where both barriers fall inside one bar and the label is 0 for that
 * reason. So the search goes down from the widest barrier to the first k that lies below the target, and bisects there.
 *
 * @throws FoldwiseError `data.target_neutral` when no k in 1/64 … 16 gives the share, with the range that is possible.
 */
export function solveNeutral(bars: Bars, options: NeutralOptions): NeutralSolution {
  const { horizon, target } = options;
  const rows = usableRows(options);
  if (rows.length === 0) {
    throw new FoldwiseError(
      "data.target_neutral",
      `No training row has ${horizon} bars ahead of it inside the training part.`,
      {
        remedy: "Use more bars or a shorter horizon, or set label.k instead of label.target_neutral.",
        details: { horizon },
      },
    );
  }
  const reach = reachOf(options);
  const shareAt = (k: number): number => neutralShare(bars, options, { rows, k, reach });
  let high = SMALLEST_K * 2 ** DOUBLINGS;
  let share = shareAt(high);
  const widest = share;
  let lowest = share;
  let low = high;
  while (share > target && low > SMALLEST_K) {
    high = low;
    low /= 2;
    share = shareAt(low);
    lowest = Math.min(lowest, share);
  }
  if (widest < target - CLOSE_ENOUGH || share > target + CLOSE_ENOUGH) {
    throw new FoldwiseError(
      "data.target_neutral",
      `label.target_neutral is ${target}, but at horizon ${horizon} the neutral share of the training rows can only be ${lowest.toFixed(3)} to ${widest.toFixed(3)}.`,
      { remedy: "Choose a share inside that range, or set label.k.", details: { horizon, target, lowest, widest } },
    );
  }
  let k = low;
  for (let step = 0; step < 40 && Math.abs(share - target) > CLOSE_ENOUGH; step++) {
    k = (low + high) / 2;
    share = shareAt(k);
    if (share > target) high = k;
    else low = k;
  }
  // Five digits say the same thing and can be read in a report.
  const rounded = Number(k.toPrecision(5));
  return { k: rounded, share: shareAt(rounded), rows: rows.length };
}

function usableRows(options: NeutralOptions): Int32Array {
  const { rows, horizon, atr } = options;
  const reach = reachOf(options);
  const usable: number[] = [];
  for (let t = rows.start; t + horizon < rows.end; t++) {
    if (typeof reach(t) === "number" && atr[t]! > 0) usable.push(t);
  }
  return Int32Array.from(usable);
}

function neutralShare(
  bars: Bars,
  { horizon, entry, atr }: NeutralOptions,
  { rows, k, reach }: { rows: Int32Array; k: number; reach: ReturnType<typeof reachOf> },
): number {
  const outcome = newOutcome();
  let neutral = 0;
  let labelled = 0;
  for (const t of rows) {
    const price = entry === "close" ? bars.close[t]! : bars.open[t + 1]!;
    const distance = barrierDistance(k, atr[t]!, horizon, price);
    if (Number.isNaN(distance)) continue;
    labelOne(bars, t + 1, Number(reach(t)), price, distance, outcome);
    labelled++;
    if (outcome.label === 0) neutral++;
  }
  return labelled === 0 ? 1 : neutral / labelled;
}
