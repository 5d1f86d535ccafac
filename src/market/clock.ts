import { Temporal } from "temporal-polyfill";
import { MICROS_PER_DAY, MICROS_PER_MINUTE } from "../types/index.js";

/** Offsets change on whole quarters of an hour. */
const SLOT = 15 * MICROS_PER_MINUTE;

/** One time zone's clock. Asking the polyfill costs a tenth of a millisecond, so its answers are kept. */
export class ZoneClock {
  readonly #days = new Map<number, number | null>();
  readonly #slots = new Map<number, number>();

  constructor(readonly timeZone: string) {}

  /** Local time at a moment, as microseconds since 1970-01-01T00:00 on the local clock. */
  local(micros: number): number {
    return micros + this.#offset(micros);
  }

  /**
   * The moment at which the local clock shows a time of a day. A time that the clock springs over is taken as the moment of the
   * change; of one that comes twice the first is taken.
   *
   * @param day days since 1970-01-01
   * @param time microseconds since the day's midnight; negative or above a day for neighbouring days
   */
  moment(day: number, time: number): number {
    const local = day * MICROS_PER_DAY + time;
    if (this.timeZone === "UTC") return local;
    const guess = local - this.#offset(local);
    for (const candidate of [guess - 2 * 3600e6, guess, guess + 2 * 3600e6]) {
      const moment = local - this.#offset(candidate);
      if (moment + this.#offset(moment) === local) return moment;
    }
    return guess;
  }

  #offset(micros: number): number {
    if (this.timeZone === "UTC") return 0;
    const day = Math.floor(micros / MICROS_PER_DAY);
    let offset = this.#days.get(day);
    if (offset === undefined) {
      const [first, last] = [this.#ask(day * MICROS_PER_DAY), this.#ask((day + 1) * MICROS_PER_DAY - 1000)];
      offset = first === last ? first : null;
      this.#days.set(day, offset);
    }
    if (offset !== null) return offset;
    const slot = Math.floor(micros / SLOT);
    let exact = this.#slots.get(slot);
    if (exact === undefined) {
      exact = this.#ask(slot * SLOT);
      this.#slots.set(slot, exact);
    }
    return exact;
  }

  #ask(micros: number): number {
    const zoned = Temporal.Instant.fromEpochMilliseconds(Math.floor(micros / 1000)).toZonedDateTimeISO(this.timeZone);
    return zoned.offsetNanoseconds / 1000;
  }
}
