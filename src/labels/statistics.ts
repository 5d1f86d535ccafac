import { CLASSES, type Label, NO_LABEL, PART_NAMES, type PartName, type RowRange } from "../types/index.js";
import { EXIT } from "./barrier.js";
import { isGapThrough, type TripleBarrierLabels } from "./triple-barrier.js";

export const DURATION_QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** A class below or above these shares of the training rows is warned of. */
const RARE = 0.1;
const DOMINANT = 0.6;

/** Labels of one horizon in one part. Shares are of labelled rows, and 0 where there are none. */
export interface LabelStatistics {
  horizon: number;
  part: PartName;
  rows: number;
  labelled: number;
  /** Keys −1, 0, 1. */
  shares: Record<Label, number>;
  /** Bars from t to the exit, at `DURATION_QUANTILES`. */
  durations: number[];
  bothTouched: number;
  gapThrough: number;
  meanUniqueness: number;
  /** Classes under 10 % or over 60 %, in words. */
  warnings: string[];
}

/** One entry for each part, in time order. `uniqueness` is (N), as `averageUniqueness` gives it. */
export function labelStatistics(
  labels: TripleBarrierLabels,
  uniqueness: Float32Array,
  parts: Record<PartName, RowRange>,
): LabelStatistics[] {
  return PART_NAMES.map((part) => statisticsOf(labels, uniqueness, part, parts[part]));
}

function statisticsOf(
  { labels: { horizon, y }, exitKind, duration }: TripleBarrierLabels,
  uniqueness: Float32Array,
  part: PartName,
  range: RowRange,
): LabelStatistics {
  const counts: Record<Label, number> = { "-1": 0, 0: 0, 1: 0 };
  const durations = new Int32Array(horizon + 1);
  let labelled = 0;
  let both = 0;
  let gaps = 0;
  let unique = 0;
  for (let t = range.start; t < range.end; t++) {
    const label = y[t]!;
    if (label === NO_LABEL) continue;
    labelled++;
    counts[label as Label]++;
    durations[duration[t]!]!++;
    if (exitKind[t] === EXIT.both) both++;
    if (isGapThrough(exitKind[t]!)) gaps++;
    unique += uniqueness[t]!;
  }
  const share = (count: number): number => (labelled === 0 ? 0 : count / labelled);
  const shares: Record<Label, number> = { "-1": share(counts[-1]), 0: share(counts[0]), 1: share(counts[1]) };
  return {
    horizon,
    part,
    rows: range.end - range.start,
    labelled,
    shares,
    durations: DURATION_QUANTILES.map((q) => quantile(durations, labelled, q)),
    bothTouched: share(both),
    gapThrough: share(gaps),
    meanUniqueness: share(unique),
    warnings: labelled === 0 ? [] : classWarnings(horizon, part, shares),
  };
}

/** Smallest duration at or below which a share q of the labels lies, from a histogram. */
function quantile(histogram: Int32Array, total: number, q: number): number {
  let seen = 0;
  for (let value = 0; value < histogram.length; value++) {
    seen += histogram[value]!;
    if (seen > 0 && seen >= q * total) return value;
  }
  return 0;
}

function classWarnings(horizon: number, part: PartName, shares: Record<Label, number>): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return CLASSES.flatMap((label) => {
    const share = shares[label];
    if (share < RARE) return [`h${horizon} ${part}: class ${label} is only ${percent(share)} of the labels`];
    if (share > DOMINANT) return [`h${horizon} ${part}: class ${label} is ${percent(share)} of the labels`];
    return [];
  });
}
