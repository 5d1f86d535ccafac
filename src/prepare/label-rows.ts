import {
  averageUniqueness,
  type LabelStatistics,
  type LostLabels,
  labelStatistics,
  solveNeutral,
  type TripleBarrierLabels,
  timeDecay,
  tripleBarrier,
  wilderAtr,
} from "../labels/index.js";
import {
  type Bars,
  FoldwiseError,
  type HorizonLabels,
  NO_LABEL,
  type PartName,
  type RowRange,
  throwIfAborted,
} from "../types/index.js";
import { purgeBefore } from "../validation/index.js";
import { fixedK, type PrepareConfig } from "./config.js";

export interface LabelInput {
  /** All bars, warm-up included: the ATR needs them. */
  bars: Bars;
  /** How the bars' prices came from those quoted; as quoted where left out. */
  adjustment?: { factor: Float64Array; shift: Float64Array };
  /** (bars.n) trading day, where labels end with it. */
  session?: Int32Array | undefined;
  /** (bars.n) */
  piece: Int32Array;
  /** Leading bars that are no rows of the dataset. */
  warmup: number;
  /** In rows of the dataset, so without the warm-up. */
  parts: Record<PartName, RowRange>;
  horizons: readonly number[];
  config: Pick<PrepareConfig, "label" | "weights">;
  onHorizon?: (done: number) => void;
  signal?: AbortSignal | undefined;
}

/** What one horizon came to, for the summary. */
export interface HorizonSummary {
  horizon: number;
  k: number;
  /** Rows without a label, by reason; of the dataset's rows, without the warm-up. */
  lost: LostLabels;
  /** One entry a part. */
  statistics: LabelStatistics[];
}

export interface LabelledRows {
  horizons: HorizonLabels[];
  /** (rows) */
  entryPrice: Float64Array;
  summaries: HorizonSummary[];
}

/**
 * Labels and weights of every horizon, for the rows after the warm-up.
 *
 * Weights are computed over the whole series at once. That tells training rows nothing of validation or test: the uniqueness of
 * a label depends on labels that start before it ends, and a training row whose label reaches past its border is purged before
 * any fit. Time decay runs over the training rows that are left then.
 *
 * @throws FoldwiseError `data.no_labels` when a horizon leaves no label in a part.
 */
export function labelRows(input: LabelInput): LabelledRows {
  const { bars, piece, warmup, parts, horizons, config } = input;
  const { entry, atr_period: atrPeriod, target_neutral: target, session: atSessionEnd } = config.label;
  const { adjustment, session } = input;
  const atr = wilderAtr(bars, atrPeriod, piece);
  const training: RowRange = { start: parts.train.start + warmup, end: parts.train.end + warmup };
  const timestamps = bars.timestamp.subarray(warmup);
  const trainingRows = new Int32Array(parts.train.end).map((_, t) => t);
  const summaries: HorizonSummary[] = [];
  let entryPrice: Float64Array = new Float64Array();

  const labelled = horizons.map((horizon, i) => {
    throwIfAborted(input.signal);
    const k =
      target === null
        ? fixedK(config.label.k, horizon)
        : solveNeutral(bars, { horizon, entry, piece, atr, session, atSessionEnd, rows: training, target }).k;
    const barriers = { horizon, k, entry, atrPeriod, piece, atr, session, atSessionEnd, adjustment, from: warmup };
    const rows = withoutWarmup(tripleBarrier(bars, barriers), warmup);
    const uniqueness = averageUniqueness(timestamps, rows.labels.end);
    const settled = purgeBefore(trainingRows, rows.labels.end, timestamps[parts.val.start]!).kept;
    const statistics = labelStatistics(rows, uniqueness, parts);
    requireLabels(statistics, rows.lost);
    summaries.push({ horizon, k, lost: rows.lost, statistics });
    entryPrice = rows.entryPrice;
    input.onHorizon?.(i + 1);
    return { ...rows.labels, w: weightsOf(rows.labels, uniqueness, settled, config.weights) };
  });
  return { horizons: labelled, entryPrice, summaries };
}

function withoutWarmup(all: TripleBarrierLabels, warmup: number): TripleBarrierLabels {
  const { horizon, y, end, w, r } = all.labels;
  return {
    labels: {
      horizon,
      y: y.subarray(warmup),
      end: end.subarray(warmup),
      w: w.subarray(warmup),
      ...(r === undefined ? {} : { r: r.subarray(warmup) }),
    },
    entryPrice: all.entryPrice.subarray(warmup),
    exitKind: all.exitKind.subarray(warmup),
    duration: all.duration.subarray(warmup),
    lost: all.lost,
  };
}

/** (rows), > 0; 1 for context rows. `decaying` are training rows in time order. */
function weightsOf(
  { y }: HorizonLabels,
  uniqueness: Float32Array,
  decaying: Int32Array,
  { uniqueness: byUniqueness, time_decay }: PrepareConfig["weights"],
): Float32Array {
  const decay = timeDecay(uniqueness, decaying, time_decay);
  return decay.map((factor, t) => (y[t] === NO_LABEL ? 1 : byUniqueness ? factor * uniqueness[t]! : factor));
}

function requireLabels(statistics: LabelStatistics[], lost: LostLabels): void {
  for (const { horizon, part, labelled, rows } of statistics) {
    if (labelled > 0) continue;
    throw new FoldwiseError(
      "data.no_labels",
      `At horizon ${horizon} none of the ${rows} ${part} rows has a label: over all parts ${lost.gaps} rows are lost to gaps, ` +
        `${lost.end} at the end of the series, ${lost.session} at the end of sessions, ${lost.flat} where the market did not move.`,
      {
        remedy: "Use a shorter horizon, more bars, or a larger max_gap if the series is cut into many pieces.",
        details: { horizon, part, ...lost },
      },
    );
  }
}
