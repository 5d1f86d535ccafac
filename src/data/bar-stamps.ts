import { type DateOrder, MICROS_PER_DAY, type Timestamps } from "../types/index.js";
import { type FoundOrder, orderInWords, orderOfRows } from "./date-order.js";
import { dataError, type Place } from "./failure.js";
import {
  epochMicros,
  formatStamp,
  type ParsedStamp,
  parseSlashed,
  parseStamp,
  type SlashedStamp,
  STAMP_SPELLINGS,
} from "./stamps.js";
import { checkTimeZone, type LocalToUtc, localToUtc } from "./time-zone.js";

/** A row's place in its file, worked out only when it is needed for a message. */
export type PlaceOfRow = (row: number, column: string, value: unknown) => Place;

export interface StampOptions {
  /** A missing stamp is NaN instead of an error. */
  mayMiss?: boolean;
  /** What dates such as 03/04/2024 mean. Left out: the whole column decides. Null: they are not read. */
  dateOrder?: DateOrder | null;
  /** The command has `--date-order`: messages name it. Without it, nothing is guessed from the order of the rows. */
  orderFlag?: boolean;
  /** Bars: stamps that all stand at a midnight are trading dates, whatever zone they name (`datesOnly`). */
  mayBeDates?: boolean;
}

/**
 * Stamps as they stand in the file, a value a row; zone-less ones are not converted yet, because what they mean depends
 * on the bars' length, which is known only after all were read. So do dates such as 03/04/2024: both readings are kept.
 */
export class StampColumn {
  private micros: Float64Array = new Float64Array(4096);
  private kinds: Uint8Array = new Uint8Array(4096);
  /** Of the stamps' own zones; null while every offset is 0. */
  private offsets: Float64Array | null = null;
  /** The stamps read day first, `micros` being month first; null while no date needs it. */
  private dayFirst: Float64Array | null = null;
  private readonly onlyAs: Partial<Record<DateOrder, { row: number; text: string }>> = {};
  private firstSlashed: { row: number; text: string } | null = null;
  private found: FoundOrder | null = null;
  private count = 0;

  constructor(
    private readonly column: string,
    private readonly place: PlaceOfRow,
    private readonly options: StampOptions = {},
  ) {}

  /** Texts, with the time of day in a second column where the file has one. */
  addTexts(texts: readonly (string | null)[], timeOfDay: readonly (string | null)[] | null): void {
    for (const [i, text] of texts.entries()) {
      const time = timeOfDay?.[i];
      const whole = text === null || time == null || time.trim() === "" ? text : `${text.trim()} ${time.trim()}`;
      const stamp = whole !== null ? parseStamp(whole) : this.options.mayMiss === true ? MISSING : null;
      if (stamp !== null) this.add(stamp);
      else this.addSlashed(whole);
    }
  }

  /** Microseconds of a typed time column. */
  addMicros(values: Float64Array, kind: "utc" | "local"): void {
    for (const micros of values) {
      if (Number.isNaN(micros) && this.options.mayMiss !== true) throw this.unreadable(null);
      this.add({ micros, kind, offset: 0 });
    }
  }

  /** Epoch numbers of any unit, or numbers such as 20240131 and 20240131153000. */
  addNumbers(values: Float64Array): void {
    for (const value of values) {
      if (Number.isNaN(value) && this.options.mayMiss !== true) throw this.unreadable(null);
      this.add(parseStamp(String(value)) ?? { micros: epochMicros(value), kind: "utc", offset: 0 });
    }
  }

  /** Whether a date such as 03/04/2024 was seen. */
  get slashed(): boolean {
    return this.firstSlashed !== null;
  }

  /** What dates such as 03/04/2024 mean here, and how that is known; null where there is none. */
  dateOrder(): FoundOrder | null {
    this.settle();
    return this.found;
  }

  /** Reads dates such as 03/04/2024 as another column of the same rows has them. */
  readAs(order: DateOrder): void {
    if (this.dayFirst === null || this.found !== null) return;
    const other = this.onlyAs[order === "mdy" ? "dmy" : "mdy"];
    if (other !== undefined) throw this.againstOrder(other.row, other.text, order);
    this.found = { order, by: "said" };
    if (order === "dmy") this.micros = this.dayFirst;
  }

  /** The stamps as they are, zone-less ones taken as UTC. */
  values(): Timestamps {
    this.settle();
    return this.micros.subarray(0, this.count);
  }

  /** Strictly increasing UTC microseconds, all later than `after`; unsorted and duplicate stamps, and local times that never were, throw. */
  toUtc(timeZone: string, after = Number.NEGATIVE_INFINITY): Timestamps {
    this.settle();
    const convert = localToUtc(checkTimeZone(timeZone));
    const dates = this.datesOnly(convert);
    const utc = new Float64Array(this.count);
    let before = after;
    /** First row of an hour that comes twice, until a stamp of its second coming is seen. */
    let doubtful = -1;
    for (let row = 0; row < this.count; row++) {
      let now = dates?.[row] ?? this.micros[row]!;
      if (dates === null && this.kinds[row] !== UTC) {
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

  private add({ micros, kind, offset }: ParsedStamp, dayFirst = micros): void {
    const row = this.count;
    if (Math.abs(micros) > Number.MAX_SAFE_INTEGER) throw this.outOfReach(micros);
    if (row === this.micros.length) {
      this.micros = grown(this.micros, new Float64Array(2 * row));
      this.kinds = grown(this.kinds, new Uint8Array(2 * row));
      if (this.offsets !== null) this.offsets = grown(this.offsets, new Float64Array(2 * row));
      if (this.dayFirst !== null) this.dayFirst = grown(this.dayFirst, new Float64Array(2 * row));
    }
    this.micros[row] = micros;
    this.kinds[row] = kind === "utc" ? UTC : LOCAL;
    if (offset !== 0) this.offsets ??= new Float64Array(this.micros.length);
    if (this.offsets !== null) this.offsets[row] = offset;
    if (this.dayFirst !== null) this.dayFirst[row] = dayFirst;
    this.count++;
  }

  /** A date such as 03/04/2024, by the order that is known; both readings where none is. */
  private addSlashed(text: string | null): void {
    const { dateOrder } = this.options;
    const stamp = text === null ? null : parseSlashed(text);
    if (text === null || stamp === null || dateOrder === null) throw this.unreadable(text);
    this.firstSlashed ??= { row: this.count, text };
    if (dateOrder !== undefined) {
      const read = stamp[dateOrder];
      if (read === null) throw this.againstOrder(this.count, text, dateOrder);
      this.add(read);
      return;
    }
    this.dayFirst ??= this.micros.slice();
    this.addBoth(stamp, text);
  }

  private addBoth({ mdy, dmy }: SlashedStamp, text: string): void {
    if (mdy === null) this.onlyAs.dmy ??= { row: this.count, text };
    if (dmy === null) this.onlyAs.mdy ??= { row: this.count, text };
    const some = mdy ?? dmy;
    if (some !== null) this.add({ ...some, micros: mdy?.micros ?? Number.NaN }, dmy?.micros ?? Number.NaN);
  }

  /** Decides what the dates mean, once all are there. */
  private settle(): void {
    if (this.firstSlashed === null || this.found !== null) return;
    const { dateOrder, orderFlag = false } = this.options;
    if (this.dayFirst === null) {
      this.found = dateOrder == null ? null : { order: dateOrder, by: "said" };
      return;
    }
    const { mdy, dmy } = this.onlyAs;
    if (mdy !== undefined && dmy !== undefined) throw this.mixedOrders(mdy, dmy);
    const readings = { mdy: this.micros.subarray(0, this.count), dmy: this.dayFirst.subarray(0, this.count) };
    const told = mdy !== undefined ? "mdy" : dmy !== undefined ? "dmy" : null;
    const found: FoundOrder | null = told !== null ? { order: told, by: "told" } : orderOfRows(readings);
    if (found === null || (found.by === "guessed" && !orderFlag)) throw this.ambiguous(this.firstSlashed);
    this.found = found;
    if (found.order === "dmy") this.micros = this.dayFirst;
  }

  /**
   * Daily and longer bars stamped with a date, or with local midnight: only the date counts, so it is kept as UTC
   * midnight of that date. A zone would move it into the day before.
   *
   * @returns null where the stamps are moments
   */
  private datesOnly(convert: LocalToUtc): Timestamps | null {
    const written = this.values().slice();
    // Datasets hold moments; only what has no zone at all is a date there.
    const mayBeDates = this.options.mayBeDates === true;
    if (!mayBeDates && this.kinds.subarray(0, this.count).includes(UTC)) return null;
    if (this.offsets !== null) for (let row = 0; row < this.count; row++) written[row]! += this.offsets[row]!;
    if (written.every((stamp) => stamp % MICROS_PER_DAY === 0)) return written;
    if (!mayBeDates) return null;
    // Moments that are midnights on the clock of the zone that was named.
    for (let row = 0; row < this.count; row++) {
      if (this.kinds[row] !== UTC) return null;
      const midnight = midnightAt(this.micros[row]!, convert);
      if (midnight === null) return null;
      written[row] = midnight;
    }
    return written;
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

  private outOfReach(micros: number): Error {
    return dataError(
      "data.bad_timestamp",
      this.place(this.count, this.column, micros),
      `${formatStamp(micros)} is not a time that is read: they go from 1684 to 2255.`,
      "Correct the time, or its unit.",
    );
  }

  private againstOrder(row: number, text: string, order: DateOrder): Error {
    const other = order === "mdy" ? "dmy" : "mdy";
    return dataError(
      "data.bad_timestamp",
      this.place(row, this.column, text),
      `${JSON.stringify(text)} is no date ${orderInWords(order)}, as dates are read here.`,
      this.options.orderFlag === true
        ? `If the file's dates are ${orderInWords(other)}: --date-order ${other}.`
        : "Write the dates as 2024-01-31.",
    );
  }

  private mixedOrders(mdy: { row: number; text: string }, dmy: { row: number; text: string }): Error {
    const [first, second] = mdy.row < dmy.row ? [mdy, dmy] : [dmy, mdy];
    const say = ({ row, text }: typeof mdy, order: DateOrder): string => {
      const { line } = this.place(row, this.column, text);
      return `${line === undefined ? `row ${row + 1}` : `line ${line}`} has ${JSON.stringify(text)} (${orderInWords(order)} only)`;
    };
    const [here, there] = mdy.row < dmy.row ? (["mdy", "dmy"] as const) : (["dmy", "mdy"] as const);
    return dataError(
      "data.mixed_date_order",
      this.place(second.row, this.column, second.text),
      `the dates follow two orders: ${say(first, here)}, ${say(second, there)}.`,
      "Write all dates alike, best as 2024-01-31.",
    );
  }

  private ambiguous({ row, text }: { row: number; text: string }): Error {
    return dataError(
      "data.ambiguous_dates",
      this.place(row, this.column, text),
      `${JSON.stringify(text)} may be month first or day first: no number in the file is above 12, ${this.options.orderFlag === true ? "and the order of the rows does not tell" : "so the file does not tell"}.`,
      this.options.orderFlag === true
        ? "Say --date-order mdy (month first) or --date-order dmy (day first), or write the dates as 2024-01-31."
        : "Write the dates as 2024-01-31.",
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

const MISSING: ParsedStamp = { micros: Number.NaN, kind: "utc", offset: 0 };
const LOCAL = 0;
const UTC = 1;

/** The local midnight, as UTC midnight of its date, that a moment is; null for any other time of day. */
function midnightAt(moment: number, convert: LocalToUtc): number | null {
  const day = Math.floor(moment / MICROS_PER_DAY) * MICROS_PER_DAY;
  return [day, day + MICROS_PER_DAY].find((midnight) => convert(midnight)[0] === moment) ?? null;
}

function grown<A extends Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
