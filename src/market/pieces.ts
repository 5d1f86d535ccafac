import { MICROS_PER_DAY, type Timestamps } from "../types/index.js";

export const DEFAULT_MAX_GAP = 10;

export interface PieceOptions {
  /** Modal step of the bars in microseconds; null for irregular bars. */
  step: number | null;
  /** More missing bars than this start a new piece; 10 by default. */
  maxGap?: number;
  /** (N) contract code a bar: prices of two contracts are not adjusted to one another, so a change starts a new piece. */
  contract?: readonly string[];
}

export interface Pieces {
  /** (N), 0 for the first piece; windows and label intervals stay within one value. */
  piece: Int32Array;
  count: number;
  /** Gaps that were short enough to be bridged by row count, and the bars missing in them. */
  bridged: { holes: number; bars: number };
  /** Gaps that started a new piece. */
  breaks: number;
  /** Changes of contract that started a new piece. */
  rolls: number;
  /** The rule that was applied, as one sentence for the reader. */
  rule: string;
}

/**
 * Cuts a series where too many bars are missing.
 *
 * ```
 * step 1m, maxGap 3:  00:01 00:02   00:05 00:06            00:20
 *                     └── piece 0, one hole of 2 bars ──┘   └ piece 1
 * ```
 *
 * Without a session calendar a missing bar is judged by the modal step alone, so a closed exchange counts as missing bars.
 * Daily and longer bars are one piece (weekends and holidays are no gaps), and so are irregular bars (nothing is expected).
 */
export function assignPieces(timestamps: Timestamps, options: PieceOptions): Pieces {
  const { step, maxGap = DEFAULT_MAX_GAP, contract } = options;
  const n = timestamps.length;
  const piece = new Int32Array(n);
  const bridged = { holes: 0, bars: 0 };
  let breaks = 0;
  let rolls = 0;
  const gapsCount = step !== null && step < MICROS_PER_DAY;
  for (let i = 1; i < n; i++) {
    const missing = gapsCount ? Math.round((timestamps[i]! - timestamps[i - 1]!) / step) - 1 : 0;
    const rolled = contract !== undefined && contract[i] !== contract[i - 1];
    if (rolled) rolls++;
    if (missing > maxGap) {
      breaks++;
    } else if (missing > 0) {
      bridged.holes++;
      bridged.bars += missing;
    }
    piece[i] = piece[i - 1]! + (rolled || missing > maxGap ? 1 : 0);
  }
  const count = n === 0 ? 0 : piece[n - 1]! + 1;
  return { piece, count, bridged, breaks, rolls, rule: pieceRule(step, maxGap) };
}

/** The rule of {@link assignPieces} in words. */
export function pieceRule(step: number | null, maxGap: number = DEFAULT_MAX_GAP): string {
  if (step === null) {
    return "The bars have no regular step: no bar is expected, so all rows are one piece.";
  }
  if (step >= MICROS_PER_DAY) {
    return "Bars of a day or longer are one piece: weekends and holidays are not gaps.";
  }
  return (
    `Gaps are judged by the modal step, without a session calendar: more than ${maxGap} missing bars start a new piece, ` +
    "shorter holes are bridged by row count."
  );
}
