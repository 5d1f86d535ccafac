import { FoldwiseError } from "../../types/index.js";
import { purgeBefore } from "../intervals.js";
import type { SplitInput } from "./split.js";

/** Of a fold's training rows. */
export const STOP_SHARE = 0.15;

export interface StopSlice {
  fit: Int32Array;
  /** Ends training early; never fitted on, and never tested on. */
  stop: Int32Array;
  purged: number;
  embargoed: number;
}

/**
 * Parts a fold's training rows: the last share of them ends training early, the rest is fitted on.
 *
 *     train   ├──────────── fit ────────────┤e│p├─ stop ─┤       whichever side of the test block they lie on
 *
 * Purged and embargoed as before the borders of a hold-out.
 *
 * @param train Ascending.
 * @throws FoldwiseError `data.empty_fold` when nothing is left to fit on.
 */
export function stopSlice(
  { timestamps, ends, embargo }: Omit<SplitInput, "rows">,
  train: Int32Array,
  share = STOP_SHARE,
): StopSlice {
  const first = train.length - Math.ceil(train.length * share);
  const stop = train.slice(first);
  const { kept, purged } = purgeBefore(train.subarray(0, first), ends, timestamps[stop[0] ?? -1] ?? Number.NaN);
  const last = kept.at(-1);
  const fit = last === undefined ? kept : kept.filter((row) => row <= last - embargo);
  if (fit.length === 0) {
    throw new FoldwiseError(
      "data.empty_fold",
      `Of a fold's ${train.length} training rows ${stop.length} are held back to stop by; none of the others is left: ` +
        `${purged} have labels that reach into those, and ${kept.length} lie in the embargo of ${embargo} rows.`,
      { remedy: "Use more bars, shorter horizons, fewer folds, or a smaller --embargo." },
    );
  }
  return { fit, stop, purged, embargoed: kept.length - fit.length };
}
