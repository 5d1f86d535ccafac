import { MICROS_PER_DAY, type SessionTemplate } from "../types/index.js";
import { ZoneClock } from "./clock.js";
import { type Hours, type ParsedTemplate, parseTemplate } from "./template.js";

/** One trading day's session: bars that close in (open, close], breaks left out. */
export interface Session {
  /** Its trading date, in days since 1970-01-01. */
  day: number;
  /** Microseconds UTC. */
  open: number;
  close: number;
  breaks: readonly (readonly [start: number, end: number])[];
}

/** 1970-01-01 was a Thursday; days count from Monday. */
const FIRST_WEEKDAY = 3;
const LAST_MOMENT = 1;
/** A market is not closed for longer than this. */
const LONGEST_CLOSURE = 60;
const FOUR_YEARS = 1461;

/**
 * When a market trades. A bar covers (close − step, close], so a bar belongs where its last moment lies.
 *
 * ```
 *   session of Tuesday            break        session of Wednesday
 *   ├───────────────────────────┤░░░░├──────┤      ├────────── …
 *   open (17:00 of Monday)                  close  open
 * ```
 */
export class Calendar {
  readonly #template: ParsedTemplate;
  readonly #clock: ZoneClock;
  readonly #sessions = new Map<number, Session | null>();
  #last: Session | null = null;

  constructor(template: SessionTemplate) {
    this.#template = parseTemplate(template);
    this.#clock = new ZoneClock(template.timeZone);
  }

  get id(): string {
    return this.#template.id;
  }

  /** Whether these are a market's own hours, or stand in for unknown ones. */
  get known(): boolean {
    return this.#template.known;
  }

  get timeZone(): string {
    return this.#template.timeZone;
  }

  /** The longest session, microseconds. */
  get longest(): number {
    return this.#template.hours.reduce((most, { open, close }) => Math.max(most, close - open), 0);
  }

  /** Local time of the exchange, in microseconds since 1970-01-01T00:00 on its clock. */
  local(micros: number): number {
    return this.#clock.local(micros);
  }

  /** The session of a trading date; null on days without. */
  session(day: number): Session | null {
    let session = this.#sessions.get(day);
    if (session === undefined) {
      session = this.#make(day);
      this.#sessions.set(day, session);
    }
    return session;
  }

  /** The session that a bar belongs to, by its close; a bar outside of every session belongs to the next one. */
  sessionOf(close: number): Session {
    const last = this.#last;
    if (last !== null && close > last.open && close <= last.close) return last;
    const day = Math.floor(this.#clock.local(close - LAST_MOMENT) / MICROS_PER_DAY);
    for (let d = day - 1; d < day + LONGEST_CLOSURE; d++) {
      const session = this.session(d);
      if (session !== null && close <= session.close) {
        this.#last = session;
        return session;
      }
    }
    throw new Error(`${this.id} has no session within ${LONGEST_CLOSURE} days`);
  }

  /** Whether a bar lies in a session, by its close. */
  trades(close: number): boolean {
    const { open, breaks } = this.sessionOf(close);
    return close > open && !breaks.some(([start, end]) => close > start && close <= end);
  }

  /** The session on whose trading date, on the exchange's clock, a moment falls; null on days without. */
  sessionOnDateOf(micros: number): Session | null {
    return this.session(Math.floor(this.#clock.local(micros) / MICROS_PER_DAY));
  }

  /** Bars of `step` that close in a session up to `until`; all of its bars by default. */
  bars(session: Session, step: number, until: number = session.close): number {
    let count = 0;
    let start = session.open;
    for (const end of [...session.breaks.map(([from]) => from), session.close]) {
      if (until >= end) count += Math.ceil((end - start) / step);
      else if (until > start) count += Math.floor((until - start) / step);
      start = session.breaks.find(([from]) => from === end)?.[1] ?? end;
    }
    return count;
  }

  /** Bars of `step` that were to be expected after the bar that closed at `before` and before the one that closes at `now`. */
  missing(before: number, now: number, step: number): number {
    const [first, last] = [this.sessionOf(before), this.sessionOf(now)];
    let expected = this.bars(last, step, now) - (this.trades(now) ? 1 : 0);
    if (first.day === last.day) expected -= this.bars(first, step, before);
    else {
      expected += this.bars(first, step) - this.bars(first, step, before);
      for (let day = first.day + 1; day < last.day; day++) {
        const session = this.session(day);
        if (session !== null) expected += this.bars(session, step);
      }
    }
    return Math.max(0, expected);
  }

  /** Sessions after that of `before` and before that of `now`. */
  sessionsBetween(before: number, now: number): number {
    const last = this.sessionOf(now).day;
    let count = 0;
    for (let day = this.sessionOf(before).day + 1; day < last; day++) if (this.session(day) !== null) count++;
    return count;
  }

  /** Sessions a year, a whole number: trading days of the four years up to a day, 365 of a market that never closes. */
  sessionsPerYear(upTo: number): number {
    let count = 0;
    for (let day = upTo - FOUR_YEARS + 1; day <= upTo; day++) if (this.#trades(day)) count++;
    return Math.max(1, Math.round(count / 4));
  }

  #trades(day: number): boolean {
    const { weekdays, exceptions } = this.#template;
    return weekdays[(((day + FIRST_WEEKDAY) % 7) + 7) % 7]! && exceptions.get(day)?.closed !== true;
  }

  #make(day: number): Session | null {
    const change = this.#template.exceptions.get(day);
    if (!this.#trades(day)) return null;
    const regular = this.#hours(day);
    const [open, close] = [change?.open ?? regular.open, change?.close ?? regular.close];
    if (close <= open) return null;
    const moment = (time: number): number => this.#clock.moment(day, time);
    const breaks = regular.breaks
      .filter(([start, end]) => start > open && end < close)
      .map(([start, end]) => [moment(start), moment(end)] as const);
    return { day, open: moment(open), close: moment(close), breaks };
  }

  #hours(day: number): Hours {
    const { hours } = this.#template;
    return hours.findLast(({ from }) => from <= day) ?? hours[0]!;
  }
}

/** Days of UTC that trade around the clock: what is taken where a market's hours are not known. */
export const UNKNOWN_HOURS: SessionTemplate = {
  id: "unknown",
  timeZone: "UTC",
  days: [1, 2, 3, 4, 5, 6, 7],
  hours: [{ from: null, open: "00:00", close: "24:00", breaks: [] }],
  exceptions: [],
  known: false,
};

/** What a trading day is, as one sentence for the reader. */
export function calendarSentence(calendar: Calendar): string {
  return calendar.known
    ? `Trading days, holidays and early closes are those of ${calendar.id} (${calendar.timeZone}).`
    : "The symbol's hours are not known: a trading day is a UTC day, around the clock. Add it to config/symbols.yaml.";
}
