import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignPieces, Calendar, pieceRule, UNKNOWN_HOURS } from "../../src/market/index.js";
import { MICROS_PER_DAY, MICROS_PER_MINUTE } from "../../src/types/index.js";

const calendar = new Calendar(UNKNOWN_HOURS);
const at = (...minutes: number[]) => Float64Array.from(minutes, (m) => m * MICROS_PER_MINUTE);

describe("pieces of a series", () => {
  it("start where more than max_gap bars are missing; shorter holes are bridged and counted", () => {
    const pieces = assignPieces(at(1, 2, 5, 6, 10, 15), { calendar, step: MICROS_PER_MINUTE, maxGap: 3 });
    expect([...pieces.piece]).toEqual([0, 0, 0, 0, 0, 1]);
    expect(pieces).toMatchObject({ count: 2, breaks: 1, bridged: { holes: 2, bars: 5 } });
  });

  it("bridge ten missing bars by default and break at eleven", () => {
    expect(assignPieces(at(1, 12), { calendar, step: MICROS_PER_MINUTE }).count).toBe(1);
    expect(assignPieces(at(1, 13), { calendar, step: MICROS_PER_MINUTE }).count).toBe(2);
  });

  it("are one for daily bars, whatever the weekend", () => {
    const days = Float64Array.from([1, 2, 40], (d) => d * MICROS_PER_DAY);
    expect(assignPieces(days, { calendar, step: MICROS_PER_DAY })).toMatchObject({
      count: 1,
      breaks: 0,
      bridged: { holes: 0 },
    });
  });

  it("are one for irregular bars", () => {
    expect(assignPieces(at(1, 2, 900), { calendar, step: null }).count).toBe(1);
  });

  it("start at a roll that is not adjusted, and rolls are counted", () => {
    const days = Float64Array.from([1, 2, 3], (d) => d * MICROS_PER_DAY);
    const pieces = assignPieces(days, { calendar, step: MICROS_PER_DAY, rolls: [2] });
    expect([...pieces.piece]).toEqual([0, 0, 1]);
    expect(pieces).toMatchObject({ count: 2, rolls: 1, breaks: 0 });
  });

  it("are none without rows", () => {
    expect(assignPieces(new Float64Array(0), { calendar, step: MICROS_PER_MINUTE }).count).toBe(0);
  });

  it("account for every missing bar of any series", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 20 }), (steps, maxGap) => {
        let minute = 0;
        const stamps = at(...steps.map((s) => (minute += s)));
        const pieces = assignPieces(stamps, { calendar, step: MICROS_PER_MINUTE, maxGap });
        const missing = steps.slice(1).map((s) => s - 1);
        expect(pieces.breaks).toBe(missing.filter((m) => m > maxGap).length);
        expect(pieces.bridged.bars).toBe(missing.filter((m) => m <= maxGap).reduce((a, b) => a + b, 0));
        expect(pieces.count).toBe(new Set(pieces.piece).size);
        expect([...pieces.piece]).toEqual([...pieces.piece].sort((a, b) => a - b));
      }),
    );
  });

  it("come with the rule in words", () => {
    expect(pieceRule(calendar, MICROS_PER_MINUTE, 5)).toContain("more than 5 missing bars");
    expect(pieceRule(calendar, MICROS_PER_DAY)).toContain("one piece");
    expect(assignPieces(at(1), { calendar, step: null }).rule).toContain("no regular step");
  });
});

describe("the UTC-day calendar", () => {
  it("gives a bar that closes at midnight to the day that ends there", () => {
    expect(calendar.sessionOf(MICROS_PER_DAY).day).toBe(0);
    expect(calendar.sessionOf(MICROS_PER_DAY + 1).day).toBe(1);
    expect(calendar.sessionOf(MICROS_PER_DAY + MICROS_PER_MINUTE).open).toBe(MICROS_PER_DAY);
  });
});
