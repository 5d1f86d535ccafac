import { MICROS_PER_SECOND } from "../types/index.js";

/** A parsed stamp: microseconds, and whether they count from UTC midnight or from the file's local midnight. */
export interface ParsedStamp {
  micros: number;
  /** `date`: no time of day; `local`: time without zone; `utc`: an offset, "Z" or an epoch number. */
  kind: "date" | "local" | "utc";
}

/** The spellings that are read, for messages. */
export const STAMP_SPELLINGS =
  "2024-01-31T15:30:00Z, 2024-01-31 15:30[:00.000][+01:00], 2024-01-31, 20240131[[ ]153000], 01/31/2024 15:30, or an epoch number in s, ms, µs or ns";

const ZONE = String.raw`\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?`;
const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\s*${TIME}${ZONE})?$`);
const MONTH_FIRST = new RegExp(String.raw`^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:[T ,]\s*${TIME}${ZONE})?$`);
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?(Z)?$/;
const EPOCH = /^-?\d{1,19}(?:\.\d+)?$/;

/** Parses one stamp; null when it is in none of `STAMP_SPELLINGS` or names a day that does not exist. */
export function parseStamp(given: string): ParsedStamp | null {
  const text = given.trim();
  const iso = YEAR_FIRST.exec(text);
  if (iso !== null) return assemble(iso[1], iso[3], iso[4], iso.slice(5));
  const compact = COMPACT.exec(text);
  if (compact !== null && Number(compact[1]) >= 1800 && Number(compact[1]) <= 2255) {
    const [, y, m, d, hour, minute, second, zone] = compact;
    return assemble(y, m, d, [hour, minute, second, undefined, undefined, zone]);
  }
  if (EPOCH.test(text)) return { micros: epochMicros(text), kind: "utc" };
  const american = MONTH_FIRST.exec(text);
  return american === null ? null : assemble(american[3], american[1], american[2], american.slice(4));
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
  if (hourText === undefined) return { micros: midnight, kind: "date" };
  const hour = half === undefined ? Number(hourText) : hourOf12(Number(hourText), half);
  const minute = Number(minuteText);
  const second = Number(secondText ?? 0);
  if (!(hour <= 24) || minute > 59 || second > 59 || (hour === 24 && minute + second > 0)) return null;
  const part = fraction === undefined ? 0 : Math.round(Number(`0.${fraction}`) * MICROS_PER_SECOND);
  const micros = midnight + ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + part;
  return zone === undefined ? { micros, kind: "local" } : { micros: micros - offsetMicros(zone), kind: "utc" };
}

function hourOf12(hour: number, half: string): number {
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
}

function offsetMicros(zone: string): number {
  if (!/\d/.test(zone)) return 0;
  const digits = zone.replace(/\D/g, "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60 * MICROS_PER_SECOND;
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** 2024-01-31T15:30:00Z, with a fraction only where there is one. */
export function formatStamp(micros: number): string {
  if (!Number.isFinite(micros)) return "none";
  const seconds = Math.floor(micros / MICROS_PER_SECOND);
  const fraction = micros - seconds * MICROS_PER_SECOND;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction === 0 ? `${text}Z` : `${text}.${String(fraction).padStart(6, "0")}Z`;
}
