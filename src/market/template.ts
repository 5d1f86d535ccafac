import { FoldwiseError, MICROS_PER_DAY, MICROS_PER_MINUTE, type SessionTemplate } from "../types/index.js";

/** Microseconds from the trading date's midnight on the local clock; `open` is negative for the evening before. */
export interface Hours {
  open: number;
  close: number;
  /** In time order, inside the session. */
  breaks: readonly (readonly [start: number, end: number])[];
}

/** A template ready for use: numbers instead of texts. Days count from 1970-01-01. */
export interface ParsedTemplate {
  id: string;
  timeZone: string;
  /** By day of the week, Monday first. */
  weekdays: readonly boolean[];
  /** Ascending by `from`. */
  hours: readonly (Hours & { from: number })[];
  exceptions: ReadonlyMap<number, { closed?: boolean; open?: number; close?: number }>;
  known: boolean;
}

const TIME = /^(\d{1,2}):(\d{2})(-1)?$/;
const BREAK = /^(\d{1,2}:\d{2}(?:-1)?)-(\d{1,2}:\d{2})$/;
const EXCEPTION = /^(\d{4}-\d{2}-\d{2}) (closed|open|close)(?: (\S+))?$/;

/** @throws FoldwiseError `config.session_template` for hours that overlap or cannot be read. */
export function parseTemplate(template: SessionTemplate): ParsedTemplate {
  const { id, timeZone, known } = template;
  const bad = (why: string): FoldwiseError =>
    new FoldwiseError("config.session_template", `The session template "${id}": ${why}.`, {
      remedy: "Correct it in config/symbols.yaml: times such as 09:30, 24:00 or 17:00-1 (the evening before).",
      details: { template: id },
    });
  const time = (text: string): number => {
    const match = TIME.exec(text);
    const [hour, minute] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || minute > 59 || hour * 60 + minute > 24 * 60) throw bad(`"${text}" is not a time of day`);
    return (hour * 60 + minute) * MICROS_PER_MINUTE - (match[3] === undefined ? 0 : MICROS_PER_DAY);
  };
  const weekdays = Array.from({ length: 7 }, (_, i) => template.days.includes(i + 1));
  if (!weekdays.includes(true)) throw bad("it has no trading day");
  if (template.hours.length === 0) throw bad("it has no hours");
  const hours = template.hours.map(({ from, open, close, breaks }) => ({
    from: from === null ? Number.NEGATIVE_INFINITY : dayOf(from, bad),
    open: time(open),
    close: time(close),
    breaks: breaks.map((text) => {
      const match = BREAK.exec(text);
      if (match === null) throw bad(`"${text}" is not a break such as 15:15-15:30`);
      return [time(match[1]!), time(match[2]!)] as const;
    }),
  }));
  hours.forEach((each, i) => {
    const why = overlap(each, weekdays) ?? (i > 0 && each.from <= hours[i - 1]!.from ? "dates are not in order" : null);
    if (why !== null) throw bad(why);
  });
  const exceptions = new Map<number, { closed?: boolean; open?: number; close?: number }>();
  for (const text of template.exceptions) {
    const match = EXCEPTION.exec(text);
    if (match === null || (match[2] === "closed") !== (match[3] === undefined)) {
      throw bad(`"${text}" is not an exception such as "2024-12-25 closed" or "2024-11-29 close 12:15"`);
    }
    const day = dayOf(match[1]!, bad);
    const what = match[2] === "closed" ? { closed: true } : { [match[2]!]: time(match[3]!) };
    exceptions.set(day, { ...exceptions.get(day), ...what });
  }
  return { id, timeZone, weekdays, hours, exceptions, known };
}

function dayOf(date: string, bad: (why: string) => FoldwiseError): number {
  const millis = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(millis)) throw bad(`"${date}" is not a date`);
  return (millis * 1000) / MICROS_PER_DAY;
}

/** What is wrong with the hours in themselves and beside the next trading day's; null: nothing. */
function overlap({ open, close, breaks }: Hours, weekdays: readonly boolean[]): string | null {
  if (close <= open) return "the close is not after the open";
  const follows = weekdays.some((trades, i) => trades && weekdays[(i + 1) % 7]);
  if (follows && close - open > MICROS_PER_DAY) return "the sessions of two days overlap: they are longer than a day";
  let before = open;
  for (const [start, end] of breaks) {
    if (start < before || end <= start || end > close) return "its breaks overlap, or lie outside the session";
    before = end;
  }
  return null;
}
