import { FoldwiseError, type Timestamps } from "../types/index.js";
import { HOLDOUT_PARTS, type HoldoutPart } from "./holdout.js";
import { rowsMeeting } from "./intervals.js";

/**
 * Proves that no two parts share a moment: for every horizon, no label interval [t, end] of an earlier part meets one of a later.
 *
 * @param rows The four row sets, ascending.
 * @param labelEnds (N) each, every horizon.
 * @throws FoldwiseError `data.label_leak` naming the first row that leaks.
 */
export function assertNoLeak(
  rows: Record<HoldoutPart, Int32Array>,
  timestamps: Timestamps,
  labelEnds: readonly Timestamps[],
): void {
  HOLDOUT_PARTS.forEach((earlier, i) => {
    for (const later of HOLDOUT_PARTS.slice(i + 1)) {
      for (const ends of labelEnds) {
        const leaking = rowsMeeting(timestamps, ends, rows[earlier], rows[later]);
        if (leaking.length > 0) {
          throw new FoldwiseError(
            "data.label_leak",
            `${leaking.length} rows of "${earlier}" have label intervals that meet those of "${later}"; the first is row ${leaking[0]}.`,
            {
              remedy: "This is a defect of the split, not of your data: please report it.",
              details: { earlier, later, rows: leaking.length, first: leaking[0] },
            },
          );
        }
      }
    }
  });
}
