import type { BarTime, Timestamps } from "../types/index.js";
import type { Calendar, Session } from "./calendar.js";

/** Fewer sessions than this prove nothing. */
const ENOUGH = 3;

/**
 * What the stamps of intraday bars name, where the sessions prove it: in a market that closes, a stamp at the open is an open's
 * and a stamp at the close is a close's.
 *
 * ```
 *   session 9:30 – 16:00, bars of 30m     open stamps   9:30 10:00 … 15:30
 *                                         close stamps       10:00 … 15:30 16:00
 * ```
 *
 * @param stamps as they stand in the file
 * @returns null where the sessions do not tell: hours that are unknown or meet end to end, too few sessions, both kinds of stamp
 */
export function provenBarTime(stamps: Timestamps, calendar: Calendar): BarTime | null {
  if (!calendar.known) return null;
  let sessions = 0;
  let [opens, closes] = [0, 0];
  let session: Session | null = null;
  const [first, last] = [stamps[0] ?? 0, stamps.at(-1) ?? 0];
  for (const stamp of stamps) {
    // A stamp at the open closes nothing: it is looked up a moment later, with the bar that it would begin.
    const own = calendar.sessionOf(stamp + 1);
    const closing = calendar.sessionOf(stamp);
    if (closing.close === stamp && own.open !== stamp) closes++;
    if (own.open === stamp && closing.close !== stamp) opens++;
    if (own.day !== session?.day && own.open > first && own.close < last) sessions++;
    session = own;
  }
  if (sessions < ENOUGH) return null;
  const [most, least] = [Math.max(opens, closes), Math.min(opens, closes)];
  if (most < ENOUGH || 2 * most < sessions || 20 * least > most) return null;
  return opens > closes ? "open" : "close";
}
