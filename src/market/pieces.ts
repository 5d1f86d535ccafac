import { MICROS_PER_DAY, MICROS_PER_HOUR, type Timestamps } from "../types/index.js";
import type { Calendar } from "./calendar.js";

export const DEFAULT_MAX_GAP = 10;

/** Clock changes make some days 23 or 25 hours long. */
const SHORTEST_DAY = 23 * MICROS_PER_HOUR;
const LONGEST_DAY = 25 * MICROS_PER_HOUR;

export const isDaily = (step: number): boolean => step >= SHORTEST_DAY && step <= LONGEST_DAY;

export interface PieceOptions {
  /** Modal step of the bars in microseconds; null for irregular bars. */
  step: number | null;
  calendar: Calendar;
  /** More missing bars than this start a new piece; 10 by default. */
  maxGap?: number;
  /** First rows of contracts whose prices are not adjusted to those before. */
  rolls?: readonly number[];
}

export interface Pieces {
  /** (N), 0 for the first piece; windows and label intervals stay within one value. */
  piece: Int32Array;
  count: number;
  /** Gaps that were short enough to be bridged by row count, and the bars missing in them. */
  bridged: { holes: number; bars: number };
  /** Gaps that started a new piece. */
  breaks: number;
  /** Unadjusted changes of contract, each of which started a new piece. */
  rolls: number;
  /** The rule that was applied, as one sentence for the reader. */
  rule: string;
}

/**
 * Cuts a series where too many expected bars are missing. Nights, weekends, holidays and breaks expect none.
 *
 * ```
 * step 1m, maxGap 3:  15:58 15:59 16:00 │ 9:31   9:34 9:35          9:50
 *                     └── piece 0: night bridged, one hole of 2 ──┘ └ piece 1: 14 bars missing
 * ```
 */
export function assignPieces(timestamps: Timestamps, options: PieceOptions): Pieces {
  const { step, calendar, maxGap = DEFAULT_MAX_GAP } = options;
  const rolls = new Set(options.rolls);
  const n = timestamps.length;
  const piece = new Int32Array(n);
  const bridged = { holes: 0, bars: 0 };
  let breaks = 0;
  const missingBefore = counter(calendar, step);
  for (let i = 1; i < n; i++) {
    const missing = missingBefore(timestamps[i - 1]!, timestamps[i]!);
    if (missing > maxGap) {
      breaks++;
    } else if (missing > 0) {
      bridged.holes++;
      bridged.bars += missing;
    }
    piece[i] = piece[i - 1]! + (rolls.has(i) || missing > maxGap ? 1 : 0);
  }
  const count = n === 0 ? 0 : piece[n - 1]! + 1;
  return { piece, count, bridged, breaks, rolls: rolls.size, rule: pieceRule(calendar, step, maxGap) };
}

/** Expected bars that are missing between two stamps. */
function counter(calendar: Calendar, step: number | null): (before: number, now: number) => number {
  if (step === null || step > LONGEST_DAY || (isDaily(step) && !calendar.known)) return () => 0;
  if (isDaily(step)) return (before, now) => calendar.sessionsBetween(before, now);
  // Neighbours a step apart have nothing between them: most of the bars, and no session need be asked for.
  return (before, now) => (now - before <= step ? 0 : calendar.missing(before, now, step));
}

/** The rule of {@link assignPieces} in words. */
export function pieceRule(calendar: Calendar, step: number | null, maxGap: number = DEFAULT_MAX_GAP): string {
  if (step === null) {
    return "The bars have no regular step: no bar is expected, so gaps cut nothing.";
  }
  if (step > LONGEST_DAY || (isDaily(step) && !calendar.known)) {
    return step > MICROS_PER_DAY
      ? "Bars longer than a day are one piece."
      : "Daily bars of a symbol whose calendar is not known are one piece: weekends and holidays are not gaps.";
  }
  const expected = calendar.known ? `the sessions of ${calendar.id}` : "the bars' step, around the clock";
  return `By ${expected}, more than ${maxGap} missing bars start a new piece; shorter holes are bridged by row count.`;
}
