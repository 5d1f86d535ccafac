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
 * Builds bars of a higher timeframe, on the UTC clock, from base bars.
 *
 * ```
 * 15m from 1m:   … 10:14 10:15 | 10:16 … 10:30 |        close stamps; 10:15 closes the bucket (10:00, 10:15]
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
    private readonly length: number,
    private readonly step: number,
    private readonly onComplete: (bar: Bar) => void,
  ) {}

  push(base: Bar): void {
    const end = Math.ceil(base.timestamp / this.length) * this.length;
    if (end !== this.end) {
      this.complete();
      const first = Number.isNaN(this.end);
      this.whole = !first || base.timestamp - this.step === end - this.length;
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
