import { tripleBarrier, wilderAtr } from "../labels/index.js";
import { piecesOfBars } from "../market/index.js";
import type { HorizonLabels, PipelineSpec } from "../types/index.js";
import { readMarketBars } from "./market.js";
import { sessionIds } from "./prepare.js";
import { type FeatureRows, type RowsOptions, rowsFromBars } from "./rows.js";

/** What a pipeline makes of bars. */
export interface RemadeRows extends FeatureRows {
  /** Every horizon of the pipeline; (N) each, weights 1. */
  labels: HorizonLabels[];
}

/**
 * Features and labels of a file of bars once more, as `prepare` made them. Features are computed bar by bar: those of a row come
 * from a stream that has seen no later bar.
 *
 * @throws FoldwiseError what `rowsFromBarsFile` throws.
 */
export async function remakeFromBars(
  pipeline: PipelineSpec,
  path: string,
  options: Omit<RowsOptions, "step"> = {},
): Promise<RemadeRows> {
  const { rolls, onNotice, dateOrder = pipeline.dateOrder } = options;
  const market = await readMarketBars(path, pipeline, {
    barTime: pipeline.barTime,
    timeZone: pipeline.timeZone,
    earlier: pipeline.rolls,
    ...(rolls === undefined ? {} : { rolls }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
  const { bars } = market.adjusted;
  const rows = await rowsFromBars(pipeline, bars, { ...options, step: market.file.step });
  const { horizons, entry, k, atrPeriod, session } = pipeline.labels;
  const piece = piecesOfBars(pipeline, bars.timestamp, market.unadjusted);
  const from = bars.n - rows.timestamps.length;
  const shared = {
    entry,
    atrPeriod,
    piece,
    atr: wilderAtr(bars, atrPeriod, piece),
    session: sessionIds(market, session),
    atSessionEnd: session,
    adjustment: market.adjusted,
    from,
  };
  const labels = horizons.map((horizon): HorizonLabels => {
    const made = tripleBarrier(bars, { ...shared, horizon, k: k[String(horizon)] ?? 0 }).labels;
    return { horizon, y: made.y.subarray(from), end: made.end.subarray(from), w: made.w.subarray(from) };
  });
  return { ...rows, labels };
}
