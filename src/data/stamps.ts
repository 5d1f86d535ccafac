import { type DateOrder, MICROS_PER_SECOND } from "../types/index.js";

/** A parsed stamp: microseconds, and whether they count from UTC midnight or from the file's local midnight. */
export interface ParsedStamp {
  micros: number;
  /** `date`: no time of day; `local`: time without zone; `utc`: an offset, "Z" or an epoch number. */
  kind: "date" | "local" | "utc";
  /** Of the zone that the stamp names, microseconds; 0 where it names none. */
  offset: number;
}

/** A date such as 03/04/2024 as each order reads it; null where it is no date in that order. */
export type SlashedStamp = Record<DateOrder, ParsedStamp | null>;

/** The spellings that are read, for messages. */
export const STAMP_SPELLINGS =
  "2024-01-31T15:30:00Z, 2024-01-31 15:30[:00.000][+01:00], 2024-01-31, 20240131[[ ]153000], 31.01.2024 15:30, 31-Jan-2024, Jan 31, 2024, 01/31/2024 or 31/01/2024, or an epoch number in s, ms, µs or ns";

const ZONE = String.raw`\s*(Z|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?|UTC|GMT)?`;
const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\s*${TIME}${ZONE})?$`);
const CLOCK = String.raw`(?:[T ,]\s*${TIME}${ZONE})?$`;
const SLASHED = new RegExp(String.raw`^(\d{1,2})([/-])(\d{1,2})\2(\d{4})${CLOCK}`);
const DOTTED = new RegExp(String.raw`^(\d{1,2})\.(\d{1,2})\.(\d{4})${CLOCK}`);
const DAY_MONTH_NAME = new RegExp(String.raw`^(\d{1,2})[- ]([A-Za-z]{3,9})[- ](\d{4})${CLOCK}`);
const MONTH_NAME_DAY = new RegExp(String.raw`^([A-Za-z]{3,9}) (\d{1,2}),? (\d{4})${CLOCK}`);
const MONTHS = "january february march april may june july august september october november december".split(" ");
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?(Z)?$/;
const EPOCH = /^-?\d{1,19}(?:\.\d+)?$/;

/**
 * Parses one stamp; null when it is in none of `STAMP_SPELLINGS` or names a day that does not exist. Dates such as 03/04/2024
 * are null too: what they mean the whole file says (`parseSlashed`).
 */
export function parseStamp(given: string): ParsedStamp | null {
  const text = given.trim();
  const iso = YEAR_FIRST.exec(text);
  if (iso !== null) return assemble(iso[1], iso[3], iso[4], iso.slice(5));
  const compact = COMPACT.exec(text);
  if (compact !== null && Number(compact[1]) >= 1800 && Number(compact[1]) <= 2255) {
    const [, y, m, d, hour, minute, second, zone] = compact;
    return assemble(y, m, d, [hour, minute, second, undefined, undefined, zone]);
  }
  if (EPOCH.test(text)) return { micros: epochMicros(text), kind: "utc", offset: 0 };
  // Where dots are written the day always comes first.
  const dotted = DOTTED.exec(text);
  if (dotted !== null) return assemble(dotted[3], dotted[2], dotted[1], dotted.slice(4));
  const dayName = DAY_MONTH_NAME.exec(text);
  if (dayName !== null) return assemble(dayName[3], monthOf(dayName[2]!), dayName[1], dayName.slice(4));
  const nameDay = MONTH_NAME_DAY.exec(text);
  return nameDay === null ? null : assemble(nameDay[3], monthOf(nameDay[1]!), nameDay[2], nameDay.slice(4));
}

/** Parses a date such as 03/04/2024 or 3-4-2024, with or without a time, in both orders; null for any other text. */
export function parseSlashed(given: string): SlashedStamp | null {
  const found = SLASHED.exec(given.trim());
  if (found === null) return null;
  const [, first, , second, year] = found;
  const time = found.slice(5);
  const stamp = { mdy: assemble(year, first, second, time), dmy: assemble(year, second, first, time) };
  return stamp.mdy === null && stamp.dmy === null ? null : stamp;
}

/** The number of an English month's name or its beginning of three letters or more; 0 for any other word. */
function monthOf(name: string): string {
  return String(MONTHS.findIndex((month) => month.startsWith(name.toLowerCase())) + 1);
}

/** Microseconds of an epoch number in s, ms, µs or ns, told apart by magnitude (years 1973 to 5138 in each unit). */
export function epochMicros(value: number | string): number {
  const number = Number(value);
  const size = Math.abs(number);
  if (size < 1e11) return Math.round(number * 1e6);
  if (size < 1e14) return Math.round(number * 1e3);
  if (size < 1e17) return Math.round(number);
  // Nanoseconds exceed 2^53: as text their last three digits are cut off, as numbers they are rounded.
  return typeof value === "string" ? Number(value.split(".")[0]!.slice(0, -3)) : Math.round(number / 1e3);
}

type Field = string | undefined;

function assemble(year: Field, month: Field, day: Field, time: Field[]): ParsedStamp | null {
  const [hourText, minuteText, secondText, fraction, half, zone] = time;
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > daysInMonth(y, m)) return null;
  const midnight = Date.UTC(y, m - 1, d) * 1000;
  if (hourText === undefined) return { micros: midnight, kind: "date", offset: 0 };
  const hour = half === undefined ? Number(hourText) : hourOf12(Number(hourText), half);
  const minute = Number(minuteText);
  const second = Number(secondText ?? 0);
  if (!(hour <= 24) || minute > 59 || second > 59 || (hour === 24 && minute + second > 0)) return null;
  const part = fraction === undefined ? 0 : Math.round(Number(`0.${fraction}`) * MICROS_PER_SECOND);
  const micros = midnight + ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + part;
  if (zone === undefined) return { micros, kind: "local", offset: 0 };
  const offset = offsetMicros(zone);
  return { micros: micros - offset, kind: "utc", offset };
}

function hourOf12(hour: number, half: string): number {
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
}

function offsetMicros(zone: string): number {
  if (!/\d/.test(zone)) return 0;
  const digits = zone.replace(/\D/g, "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (zone.includes("-") ? -1 : 1) * minutes * 60 * MICROS_PER_SECOND;
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** The last moment that a `Date` can name, microseconds. */
const LAST_DATE = 8.64e18;

/** 2024-01-31T15:30:00Z, with a fraction only where there is one; a number of µs where no date can say it. */
export function formatStamp(micros: number): string {
  if (!Number.isFinite(micros)) return "none";
  if (Math.abs(micros) > LAST_DATE) return `${micros} µs`;
  const seconds = Math.floor(micros / MICROS_PER_SECOND);
  const fraction = micros - seconds * MICROS_PER_SECOND;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction === 0 ? `${text}Z` : `${text}.${String(fraction).padStart(6, "0")}Z`;
}
