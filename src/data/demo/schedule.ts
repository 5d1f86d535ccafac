import type { SessionTemplate } from "../../types/index.js";

/**
 * When the demo market trades: a fixed UTC schedule, without holidays or daylight saving, shaped like index futures.
 *
 *   Sun 22:00 ──23 h──▶ Mon 21:00 │break 1 h│ 22:00 ──23 h──▶ … Fri 21:00 │ weekend │ Sun 22:00 …
 *
 * All arithmetic is in whole minutes since 1970-01-01T00:00Z (a Thursday).
 */
export const MINUTES_PER_SESSION = 23 * 60;
const DAY = 24 * 60;
const WEEK = 7 * DAY;
/** 1970-01-04, the first Sunday, 22:00. */
const FIRST_OPEN = 3 * DAY + 22 * 60;
const SESSIONS_PER_WEEK = 5;

/** The same schedule as a session template. */
export const DEMO_SESSIONS: SessionTemplate = {
  id: "demo",
  timeZone: "UTC",
  days: [1, 2, 3, 4, 5],
  hours: [{ from: null, open: "22:00-1", close: "21:00", breaks: [] }],
  exceptions: [],
  known: true,
};

/** The stamp of the bar that follows a bar closing at `minute`. */
export function closeOfNextBar(minute: number, barMinutes: number): number {
  const inWeek = positiveModulo(minute - FIRST_OPEN, WEEK);
  const inSession = inWeek % DAY;
  if (inSession < MINUTES_PER_SESSION && inWeek < SESSIONS_PER_WEEK * DAY) return minute + barMinutes;
  const nextSession = Math.floor(inWeek / DAY) + 1;
  const start = nextSession < SESSIONS_PER_WEEK ? nextSession * DAY : WEEK;
  return minute - inWeek + start + barMinutes;
}

/** Which bar of its session closes at `minute`, from 0. */
export function slotOf(minute: number, barMinutes: number): number {
  return (positiveModulo(minute - FIRST_OPEN, DAY) - barMinutes) / barMinutes;
}

/** Activity relative to an average time of day: quiet nights, a rise at the European open, a peak at `peak` (UTC minute). */
export function intradayProfile(minuteOfSession: number, peak: number): number {
  const utc = (minuteOfSession + 22 * 60) % DAY;
  const bump = (centre: number, width: number) => Math.exp(-0.5 * ((utc - centre) / width) ** 2);
  return 0.7 + 0.3 * bump(8 * 60, 110) + 0.7 * bump(peak, 90) + 0.35 * bump(peak + 260, 150);
}

function positiveModulo(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}
