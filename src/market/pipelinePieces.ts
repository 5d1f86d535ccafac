import type { PipelineSpec, Timestamps } from "../types/index.js";
import { Calendar } from "./calendar.js";
import { assignPieces } from "./pieces.js";

/**
 * (N) the pieces that `prepare` makes of bars that close at `timestamps`, by the rule that a pipeline carries.
 *
 * @param rolls First rows of contracts that are not adjusted.
 */
export function piecesOfBars(
  { step, maxGap, sessions }: PipelineSpec,
  timestamps: Timestamps,
  rolls: readonly number[] = [],
): Int32Array {
  return assignPieces(timestamps, { step, maxGap, calendar: new Calendar(sessions), rolls }).piece;
}

/** Whether a bar that closes at `now` begins a new piece after one that closed at `before`, by the same rule; rolls aside. */
export function pieceBreaks({ step, maxGap, sessions }: PipelineSpec): (before: number, now: number) => boolean {
  const calendar = new Calendar(sessions);
  return (before, now) => {
    if (step === null || now - before <= step) return false;
    return assignPieces(Float64Array.of(before, now), { step, maxGap, calendar }).breaks > 0;
  };
}
