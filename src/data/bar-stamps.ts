import { MICROS_PER_DAY, type Timestamps } from "../types/index.js";
import { dataError, type Place } from "./failure.js";
import { epochMicros, formatStamp, type ParsedStamp, parseStamp, STAMP_SPELLINGS } from "./stamps.js";
import { checkTimeZone, type LocalToUtc, localToUtc } from "./time-zone.js";

/** A row's place in its file, worked out only when it is needed for a message. */
export type PlaceOfRow = (row: number, column: string, value: unknown) => Place;

/**
 * Stamps as they stand in the file, a value a row; zone-less ones are not converted yet, because what they mean depends
 * on the bars' length, which is known only after all were read.
 */
export class StampColumn {
  private micros: Float64Array = new Float64Array(4096);
  private kinds: Uint8Array = new Uint8Array(4096);
  private count = 0;

  constructor(
    private readonly column: string,
    private readonly place: PlaceOfRow,
    /** A missing stamp is NaN instead of an error. */
    private readonly mayMiss = false,
  ) {}

  /** Texts, with the time of day in a second column where the file has one. */
  addTexts(texts: readonly (string | null)[], timeOfDay: readonly (string | null)[] | null): void {
    for (const [i, text] of texts.entries()) {
      const time = timeOfDay?.[i];
      const whole = text === null || time == null || time.trim() === "" ? text : `${text.trim()} ${time.trim()}`;
      const stamp = whole !== null ? parseStamp(whole) : this.mayMiss ? MISSING : null;
      if (stamp === null) throw this.unreadable(whole);
      this.add(stamp);
    }
  }

  /** Microseconds of a typed time column. */
  addMicros(values: Float64Array, kind: "utc" | "local"): void {
    for (const micros of values) {
      if (Number.isNaN(micros) && !this.mayMiss) throw this.unreadable(null);
      this.add({ micros, kind });
    }
  }

  /** Epoch numbers of any unit, or numbers such as 20240131 and 20240131153000. */
  addNumbers(values: Float64Array): void {
    for (const value of values) {
      if (Number.isNaN(value) && !this.mayMiss) throw this.unreadable(null);
      this.add(parseStamp(String(value)) ?? { micros: epochMicros(value), kind: "utc" });
    }
  }

  /** The stamps as they are, zone-less ones taken as UTC. */
  values(): Timestamps {
    return this.micros.subarray(0, this.count);
  }

  /** Strictly increasing UTC microseconds, all later than `after`; unsorted and duplicate stamps, and local times that never were, throw. */
  toUtc(timeZone: string, after = Number.NEGATIVE_INFINITY): Timestamps {
    const convert = localToUtc(checkTimeZone(timeZone));
    const datesOnly = this.holdsDatesOnly();
    const utc = new Float64Array(this.count);
    let before = after;
    /** First row of an hour that comes twice, until a stamp of its second coming is seen. */
    let doubtful = -1;
    for (let row = 0; row < this.count; row++) {
      let now = this.micros[row]!;
      if (!datesOnly && this.kinds[row] !== UTC) {
        const candidates = this.candidates(row, convert, timeZone);
        // Where clocks are set back an hour comes twice; the order of the rows says which of the two is meant.
        now = candidates.find((candidate) => candidate > before) ?? candidates[candidates.length - 1]!;
        if (candidates.length === 1) {
          if (doubtful >= 0) throw this.cameOnce(doubtful, timeZone);
        } else if (now === candidates[0]) {
          if (doubtful < 0) doubtful = row;
        } else doubtful = -1;
      }
      if (now <= before) throw this.outOfOrder(row, now, before);
      before = now;
      utc[row] = now;
    }
    return utc;
  }

  private add(stamp: ParsedStamp): void {
    if (this.count === this.micros.length) {
      this.micros = grown(this.micros, new Float64Array(2 * this.count));
      this.kinds = grown(this.kinds, new Uint8Array(2 * this.count));
    }
    this.micros[this.count] = stamp.micros;
    this.kinds[this.count] = stamp.kind === "utc" ? UTC : LOCAL;
    this.count++;
  }

  /**
   * Daily and longer bars stamped with a date, or with local midnight: only the date counts, so it is kept as UTC
   * midnight of that date. A zone would move it into the day before.
   */
  private holdsDatesOnly(): boolean {
    for (let row = 0; row < this.count; row++) {
      if (this.kinds[row] === UTC || this.micros[row]! % MICROS_PER_DAY !== 0) return false;
    }
    return true;
  }

  private candidates(row: number, convert: LocalToUtc, timeZone: string): readonly number[] {
    const local = this.micros[row]!;
    const candidates = convert(local);
    if (candidates.length === 0) {
      throw dataError(
        "data.local_time_never_was",
        this.place(row, this.column, formatStamp(local).replace("Z", "")),
        `${formatStamp(local).replace("Z", "")} does not exist in ${timeZone}: the clocks sprang over it.`,
        "Check the time zone, or write the stamps with their offset.",
      );
    }
    return candidates;
  }

  private cameOnce(row: number, timeZone: string): Error {
    const local = formatStamp(this.micros[row]!).replace("Z", "");
    return dataError(
      "data.local_time_twice",
      this.place(row, this.column, local),
      `${local} comes twice in ${timeZone}, where the clocks were set back, and the rows do not say which one is meant: the hour stands here once.`,
      "Write the stamps in UTC or with their offset, or name the zone in which they were written.",
    );
  }

  private unreadable(value: string | null): Error {
    const row = this.count;
    return dataError(
      "data.bad_timestamp",
      this.place(row, this.column, value),
      value === null ? "the timestamp is missing." : `${JSON.stringify(value)} is not a timestamp that is read.`,
      `Write it like one of: ${STAMP_SPELLINGS}.`,
    );
  }

  private outOfOrder(row: number, now: number, before: number): Error {
    const place = this.place(row, this.column, formatStamp(now));
    return now === before
      ? dataError(
          "data.duplicate_timestamp",
          place,
          `${formatStamp(now)} stands here for the second time.`,
          "Keep one row a timestamp.",
        )
      : dataError(
          "data.unsorted",
          place,
          `${formatStamp(now)} comes after ${formatStamp(before)}; rows must be in time order.`,
          "Sort the file by time, oldest first.",
        );
  }
}

const MISSING: ParsedStamp = { micros: Number.NaN, kind: "utc" };
const LOCAL = 0;
const UTC = 1;

function grown<A extends Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
