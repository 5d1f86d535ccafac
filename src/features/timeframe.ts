import type { Calendar } from "../market/index.js";
import { type Bar, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from "../types/index.js";

const UNITS = { m: MICROS_PER_MINUTE, h: MICROS_PER_HOUR, d: MICROS_PER_DAY } as const;

/** Microseconds of `15m`, `4h`, `1d`; undefined for any other spelling, and for lengths that do not divide a day. */
export function parseTimeframe(text: string): number | undefined {
  const match = /^([1-9]\d{0,3})([mhd])$/.exec(text);
  if (match === null) return undefined;
  const length = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return MICROS_PER_DAY % length === 0 ? length : undefined;
}

/**
 * Builds bars of a higher timeframe from base bars. They count from the session's open, on the exchange's clock, and the last
 * one ends with the session; bars outside of every session are in none.
 *
 * ```
 * 15m from 1m:   … 10:14 10:15 | 10:16 … 10:30 |        close stamps; 10:15 closes the bucket (10:00, 10:15]
 * 4h, session 9:30 – 16:00:      (9:30, 13:30]  (13:30, 16:00]
 * ```
 *
 * A bucket is complete when a base bar closes at its end, or, where that bar is missing, when a bar of a later bucket
 * arrives. The bucket in which the stream starts is dropped unless its first base bar was seen: it may be partial.
 */
export class TimeframeAggregator {
  private end = Number.NaN;
  private whole = false;
  private bar: Bar | undefined;

  constructor(
    private readonly bars: { length: number; step: number; calendar: Calendar },
    private readonly onComplete: (bar: Bar) => void,
  ) {}

  push(base: Bar): void {
    const { length, step, calendar } = this.bars;
    if (!calendar.trades(base.timestamp)) {
      if (base.timestamp > this.end) this.complete();
      return;
    }
    const session = calendar.sessionOf(base.timestamp);
    const start = session.open + Math.floor((base.timestamp - 1 - session.open) / length) * length;
    const end = Math.min(start + length, session.close);
    if (end !== this.end) {
      this.complete();
      const first = Number.isNaN(this.end);
      this.whole = !first || base.timestamp - step <= start;
      this.end = end;
      this.bar = { ...base, timestamp: end };
    } else if (this.bar !== undefined) {
      if (base.high > this.bar.high) this.bar.high = base.high;
      if (base.low < this.bar.low) this.bar.low = base.low;
      this.bar.close = base.close;
      this.bar.volume += base.volume;
    }
    if (base.timestamp === end) this.complete();
  }

  private complete(): void {
    const bar = this.bar;
    this.bar = undefined;
    if (bar !== undefined && this.whole) this.onComplete(bar);
  }
}
