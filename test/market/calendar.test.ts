/** Real calendars, counted by hand: what is said here stands in the exchanges' own notices. */
import { describe, expect, it } from "vitest";
import { symbolMarket } from "../../src/config/index.js";
import { packageRoot } from "../../src/files/index.js";
import { assignPieces, Calendar, provenBarTime, type Session } from "../../src/market/index.js";
import { FoldwiseError, MICROS_PER_HOUR, MICROS_PER_MINUTE, type SessionTemplate } from "../../src/types/index.js";

function calendarOf(symbol: string): Calendar {
  const { sessions } = symbolMarket(symbol, packageRoot());
  if (sessions === null) throw new Error(`${symbol} has no sessions`);
  return new Calendar(sessions);
}

const utc = (text: string): number => Date.parse(text) * 1000;
const dayOf = (date: string): number => Date.parse(`${date}T00:00Z`) / 86_400_000;
const text = (session: Session | null): string[] | null =>
  session === null ? null : [session.open, session.close].map((t) => new Date(t / 1000).toISOString().slice(0, 16));

const es = calendarOf("ES");
const nyse = calendarOf("AAPL");
const gold = calendarOf("GC");

describe("daylight saving", () => {
  it("moves a session in UTC and not on the exchange's clock", () => {
    // New York sprang forward on Sunday 2024-03-10 and went back on Sunday 2024-11-03.
    expect(text(nyse.session(dayOf("2024-03-08")))).toEqual(["2024-03-08T14:30", "2024-03-08T21:00"]);
    expect(text(nyse.session(dayOf("2024-03-11")))).toEqual(["2024-03-11T13:30", "2024-03-11T20:00"]);
    expect(text(nyse.session(dayOf("2024-11-01")))).toEqual(["2024-11-01T13:30", "2024-11-01T20:00"]);
    expect(text(nyse.session(dayOf("2024-11-04")))).toEqual(["2024-11-04T14:30", "2024-11-04T21:00"]);
  });

  it("leaves the futures' session at 23 hours, from Sunday evening on", () => {
    expect(text(es.session(dayOf("2024-03-08")))).toEqual(["2024-03-07T23:00", "2024-03-08T22:00"]);
    expect(text(es.session(dayOf("2024-03-11")))).toEqual(["2024-03-10T22:00", "2024-03-11T21:00"]);
    for (const date of ["2024-03-08", "2024-03-11", "2024-11-04"]) {
      const session = es.session(dayOf(date))!;
      expect(session.close - session.open).toBe(23 * MICROS_PER_HOUR);
      expect(es.bars(session, MICROS_PER_MINUTE)).toBe(23 * 60);
    }
  });
});

describe("holidays and early closes", () => {
  it("are the New York Stock Exchange's at Thanksgiving 2024", () => {
    expect(nyse.session(dayOf("2024-11-28"))).toBeNull();
    expect(text(nyse.session(dayOf("2024-11-29")))).toEqual(["2024-11-29T14:30", "2024-11-29T18:00"]);
    expect(nyse.bars(nyse.session(dayOf("2024-11-29"))!, MICROS_PER_MINUTE)).toBe(210);
    expect(nyse.bars(nyse.session(dayOf("2024-11-27"))!, MICROS_PER_MINUTE)).toBe(390);
  });

  it("are the futures' own there: a halt at noon on the holiday, another at 12:15 on the day after", () => {
    expect(text(es.session(dayOf("2024-11-28")))).toEqual(["2024-11-27T23:00", "2024-11-28T18:00"]);
    expect(text(es.session(dayOf("2024-11-29")))).toEqual(["2024-11-28T23:00", "2024-11-29T18:15"]);
    expect(text(gold.session(dayOf("2024-11-28")))).toEqual(["2024-11-27T23:00", "2024-11-28T19:30"]);
  });

  it("leave no session on Good Friday, at weekends and at Christmas", () => {
    for (const date of ["2024-03-29", "2024-12-25", "2024-06-01", "2024-06-02"]) {
      expect(nyse.session(dayOf(date)), date).toBeNull();
    }
    expect(es.session(dayOf("2024-12-25"))).toBeNull();
  });
});

describe("dated hours", () => {
  it("had a quarter of an hour's break until June 2021", () => {
    const before = es.session(dayOf("2021-06-25"))!;
    expect(before.breaks).toEqual([[utc("2021-06-25T20:15Z"), utc("2021-06-25T20:30Z")]]);
    expect(es.bars(before, MICROS_PER_MINUTE)).toBe(23 * 60 - 15);
    expect(es.session(dayOf("2021-06-28"))!.breaks).toEqual([]);
    expect(es.trades(utc("2021-06-25T20:15Z"))).toBe(true);
    expect(es.trades(utc("2021-06-25T20:16Z"))).toBe(false);
    expect(es.trades(utc("2021-06-25T20:30Z"))).toBe(false);
    expect(es.trades(utc("2021-06-25T20:31Z"))).toBe(true);
  });
});

describe("the session of a bar", () => {
  it("is the one in which its last moment lies", () => {
    expect(es.sessionOf(utc("2024-06-03T22:00Z")).day).toBe(dayOf("2024-06-04"));
    expect(es.sessionOf(utc("2024-06-03T21:00Z")).day).toBe(dayOf("2024-06-03"));
    expect(es.sessionOf(utc("2024-06-03T22:01Z")).day).toBe(dayOf("2024-06-04"));
    expect(es.trades(utc("2024-06-03T22:00Z"))).toBe(false);
    expect(es.trades(utc("2024-06-03T22:01Z"))).toBe(true);
  });

  it("is the next one for a bar outside of all", () => {
    expect(nyse.sessionOf(utc("2024-11-28T15:00Z")).day).toBe(dayOf("2024-11-29"));
    expect(nyse.trades(utc("2024-11-28T15:00Z"))).toBe(false);
    expect(nyse.sessionOf(utc("2024-11-27T22:00Z")).day).toBe(dayOf("2024-11-29"));
  });
});

describe("missing bars", () => {
  const minutes = (...stamps: string[]) =>
    assignPieces(
      Float64Array.from(stamps, (stamp) => utc(`2024-${stamp}Z`)),
      {
        calendar: nyse,
        step: MICROS_PER_MINUTE,
      },
    );

  it.each([
    ["a night", "03-07T21:00", "03-08T14:31"],
    ["a weekend and a clock change", "03-08T21:00", "03-11T13:31"],
    ["a holiday", "11-27T21:00", "11-29T14:31"],
    ["an early close", "11-29T18:00", "12-02T14:31"],
  ])("are none over %s", (_, before, after) => {
    expect(minutes(before, after)).toMatchObject({ count: 1, breaks: 0, bridged: { holes: 0, bars: 0 } });
  });

  it("are counted on both sides of a night", () => {
    expect(minutes("06-03T19:57", "06-04T13:34")).toMatchObject({ count: 1, bridged: { holes: 1, bars: 6 } });
    expect(minutes("06-03T19:50", "06-04T13:33")).toMatchObject({ count: 2, breaks: 1 });
    expect(minutes("06-03T19:50", "06-04T13:31")).toMatchObject({ count: 1, bridged: { bars: 10 } });
  });

  it("are sessions for daily bars", () => {
    const daily = (...dates: string[]) =>
      assignPieces(
        Float64Array.from(dates, (date) => nyse.session(dayOf(date))!.close),
        {
          calendar: nyse,
          step: 24 * MICROS_PER_HOUR,
        },
      );
    expect(daily("2024-11-27", "2024-11-29", "2024-12-02")).toMatchObject({ bridged: { bars: 0 }, count: 1 });
    expect(daily("2024-11-26", "2024-12-02")).toMatchObject({ bridged: { bars: 2, holes: 1 }, count: 1 });
    expect(daily("2024-10-01", "2024-12-02")).toMatchObject({ breaks: 1, count: 2 });
  });
});

describe("what stamps name", () => {
  const step = 30 * MICROS_PER_MINUTE;
  const week = ["2024-06-03", "2024-06-04", "2024-06-05", "2024-06-06", "2024-06-07"];
  const closes = week.flatMap((date) => {
    const { open } = nyse.session(dayOf(date))!;
    return Array.from({ length: 13 }, (_, i) => open + (i + 1) * step);
  });

  it("is proven by stamps at one end of the sessions and none at the other", () => {
    expect(provenBarTime(Float64Array.from(closes), nyse)).toBe("close");
    expect(
      provenBarTime(
        Float64Array.from(closes, (t) => t - step),
        nyse,
      ),
    ).toBe("open");
  });

  it("is not, by stamps at both ends, by few sessions, or where hours are not known", () => {
    const both = [...new Set([...closes, ...closes.map((t) => t - step)])].sort((a, b) => a - b);
    expect(provenBarTime(Float64Array.from(both), nyse)).toBeNull();
    expect(provenBarTime(Float64Array.from(closes.slice(0, 26)), nyse)).toBeNull();
    expect(provenBarTime(Float64Array.from(closes), calendarOf("ETHBTC"))).toBeNull();
  });
});

describe("a template", () => {
  const template: SessionTemplate = {
    id: "mine",
    timeZone: "Europe/Berlin",
    days: [1, 2, 3, 4, 5],
    hours: [{ from: null, open: "09:00", close: "17:30", breaks: [] }],
    exceptions: [],
    known: true,
  };

  it.each<[string, Partial<SessionTemplate>, RegExp]>([
    [
      "closes before it opens",
      { hours: [{ from: null, open: "18:00", close: "17:30", breaks: [] }] },
      /not after the open/,
    ],
    [
      "is longer than a day",
      { hours: [{ from: null, open: "09:00-1", close: "10:00", breaks: [] }] },
      /two days overlap/,
    ],
    [
      "has breaks that overlap",
      { hours: [{ from: null, open: "09:00", close: "17:30", breaks: ["12:00-13:00", "12:30-13:30"] }] },
      /breaks overlap/,
    ],
    [
      "has a break outside of its hours",
      { hours: [{ from: null, open: "09:00", close: "17:30", breaks: ["17:00-18:00"] }] },
      /outside/,
    ],
    ["has a time that there is not", { hours: [{ from: null, open: "9:75", close: "17:30", breaks: [] }] }, /"9:75"/],
    ["has a date that there is not", { exceptions: ["2024-13-45 closed"] }, /2024-13-45/],
    ["has an exception without a time", { exceptions: ["2024-12-24 close"] }, /exception/],
    ["never trades", { days: [] }, /no trading day/],
  ])("that %s is refused", (_, change, said) => {
    const make = () => new Calendar({ ...template, ...change });
    expect(make).toThrow(FoldwiseError);
    expect(make).toThrow(said);
  });
});

describe("the sessions of a year", () => {
  it("are those that the exchange has, and all days of a market that never closes", () => {
    // 2020 to 2023: 253 + 252 + 251 + 250 trading days in New York.
    expect(nyse.sessionsPerYear(dayOf("2023-12-31"))).toBe(252);
    expect(es.sessionsPerYear(dayOf("2023-12-31"))).toBe(259);
    expect(calendarOf("ETHBTC").sessionsPerYear(dayOf("2023-12-31"))).toBe(365);
  });
});
