/** Bars of higher timeframes on real sessions, counted by hand. */
import { describe, expect, it } from "vitest";
import { symbolMarket } from "../../src/config/index.js";
import { TimeframeAggregator } from "../../src/features/timeframe.js";
import { packageRoot } from "../../src/files/index.js";
import { Calendar } from "../../src/market/index.js";
import { type Bar, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from "../../src/types/index.js";

const STEP = 15 * MICROS_PER_MINUTE;
const calendarOf = (symbol: string): Calendar => new Calendar(symbolMarket(symbol, packageRoot()).sessions!);

/** Close stamps of the bars of a timeframe, from quarter-hour bars of the sessions of `dates`; each bar's volume is 1. */
function barsOf(calendar: Calendar, length: number, dates: string[], keep: (close: number) => boolean = () => true) {
  const out: { close: string; volume: number; at: string }[] = [];
  let now = 0;
  const text = (micros: number): string => new Date(micros / 1000).toISOString().slice(5, 16);
  const aggregator = new TimeframeAggregator({ length, step: STEP, calendar }, (bar) =>
    out.push({ close: text(bar.timestamp), volume: bar.volume, at: text(now) }),
  );
  for (const date of dates) {
    const session = calendar.session(Date.parse(`${date}T00:00Z`) / 86_400_000)!;
    for (now = session.open + STEP; now <= session.close; now += STEP) {
      const bar: Bar = { timestamp: now, open: 1, high: 1, low: 1, close: 1, volume: 1 };
      if (keep(now)) aggregator.push(bar);
    }
  }
  return out;
}

describe("bars of a higher timeframe", () => {
  it("count from New York's open and end with the session, an early one too", () => {
    const bars = barsOf(calendarOf("AAPL"), 4 * MICROS_PER_HOUR, ["2024-11-27", "2024-11-29", "2024-12-02"]);
    expect(bars.map(({ close, volume }) => [close, volume])).toEqual([
      ["11-27T18:30", 16],
      ["11-27T21:00", 10],
      ["11-29T18:00", 14], // closed at 13:00, before the four hours were over
      ["12-02T18:30", 16],
      ["12-02T21:00", 10],
    ]);
  });

  it("keep the exchange's clock when it changes", () => {
    const bars = barsOf(calendarOf("ES"), 4 * MICROS_PER_HOUR, ["2024-03-08", "2024-03-11"]);
    expect(bars.map(({ close }) => close.slice(6))).toEqual(
      ["03:00", "07:00", "11:00", "15:00", "19:00", "22:00"].concat([
        "02:00",
        "06:00",
        "10:00",
        "14:00",
        "18:00",
        "21:00",
      ]),
    );
  });

  it("of a day are sessions", () => {
    const bars = barsOf(calendarOf("ES"), MICROS_PER_DAY, ["2024-11-27", "2024-11-28", "2024-11-29"]);
    expect(bars.map(({ close, volume }) => [close, volume])).toEqual([
      ["11-27T22:00", 92],
      ["11-28T18:00", 76],
      ["11-29T18:15", 77],
    ]);
  });

  it("are known when their last bar closes or, where that one is missing, with the next bar", () => {
    const bars = barsOf(calendarOf("AAPL"), MICROS_PER_DAY, ["2024-06-03", "2024-06-04"], (close) => {
      const text = new Date(close / 1000).toISOString();
      return text !== "2024-06-03T20:00:00.000Z";
    });
    expect(bars).toEqual([
      { close: "06-03T20:00", volume: 25, at: "06-04T13:45" },
      { close: "06-04T20:00", volume: 26, at: "06-04T20:00" },
    ]);
  });
});
