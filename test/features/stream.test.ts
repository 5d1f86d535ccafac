import { describe, expect, it } from "vitest";
import { computeFeatures, FeatureStream, planFeatures } from "../../src/features/index.js";
import { barAt, barsOf, MINUTE, MONDAY, market, pick, sameBits, slice } from "./bars.js";

const shape = { seed: 11, bars: 1500, flat: 0.2, idle: 0.2, tick: 0.01 };

describe("a stream", () => {
  it("gives what the batch gives, from one bar object that its caller reuses", () => {
    const bars = market(shape);
    const plan = planFeatures({}, { step: MINUTE, rows: 20_000 });
    const { X, names } = computeFeatures(plan, bars);
    const stream = new FeatureStream(plan);
    const bar = barAt(bars, 0);
    const streamed = new Float32Array(X.length);
    for (let i = 0; i < bars.n; i++) streamed.set(stream.push(Object.assign(bar, barAt(bars, i))), i * names.length);
    expect(sameBits(streamed, X)).toBe(true);
  });

  it("hands out rows that later bars do not change", () => {
    const bars = market(shape);
    const stream = new FeatureStream(planFeatures({ include: ["close_location"] }, { step: MINUTE, rows: 1e6 }));
    const first = stream.push(barAt(bars, 0));
    const before = first.slice();
    for (let i = 1; i < 50; i++) stream.push(barAt(bars, i));
    expect(first).toEqual(before);
  });
});

describe("a higher timeframe", () => {
  const plan = planFeatures(
    { include: ["1h_close_location", "1h_log_return_1", "1h_relative_volume_10"] },
    { step: MINUTE, rows: 1e6 },
  );

  /** Minutes at which the row of values changes, counted from the first bar's open. */
  function changesOf(bars: ReturnType<typeof market>): number[] {
    const { X, names } = computeFeatures(plan, bars);
    const rows = Array.from({ length: bars.n }, (_, i) => X.slice(i * names.length, (i + 1) * names.length).join());
    return rows.flatMap((row, i) => (i > 0 && row !== rows[i - 1] ? [(bars.timestamp[i]! - MONDAY) / MINUTE] : []));
  }

  it("changes only at the close that completes its bar", () => {
    const changes = changesOf(market(shape));
    expect(changes.length).toBeGreaterThan(10);
    expect(changes.filter((minute) => minute % 60 !== 0)).toEqual([]);
  });

  it("is completed by the next bar where the last one is missing", () => {
    const bars = market(shape);
    const without = pick(
      bars,
      Int32Array.from({ length: bars.n }, (_, i) => i).filter((i) => (i + 1) % 60 !== 0),
    );
    const changes = changesOf(without);
    expect(changes.length).toBeGreaterThan(10);
    expect(changes.filter((minute) => minute % 60 !== 1)).toEqual([]);
  });

  it("is made of exactly its base bars", () => {
    const bars = market({ ...shape, flat: 0 });
    const { X } = computeFeatures(planFeatures({ include: ["1h_close_location"] }, { step: MINUTE, rows: 1e6 }), bars);
    const hour = slice(bars, 60, 120);
    const [high, low] = [Math.max(...hour.high), Math.min(...hour.low)];
    expect(X[119]).toBeCloseTo((hour.close[59]! - low) / (high - low), 6);
    expect(X[178]).toBe(X[119]);
    expect(X[179]).not.toBe(X[119]);
  });

  it("drops the bar in which the stream starts unless its first base bar was seen", () => {
    const close = Array.from({ length: 180 }, (_, i) => 100 + (i % 7));
    const columns = { open: close, high: close.map((c) => c + 1), low: close.map((c) => c - 2), close, volume: close };
    const firstValue = (start: number) => {
      const single = planFeatures({ include: ["1h_close_location"] }, { step: MINUTE, rows: 1e6 });
      return computeFeatures(single, barsOf(columns, MINUTE, start)).X.findIndex((x) => !Number.isNaN(x));
    };
    expect(firstValue(MONDAY)).toBe(59);
    expect(firstValue(MONDAY + MINUTE)).toBe(118);
  });
});

describe("the trading day's features", () => {
  it("begin anew with the UTC day", () => {
    const bars = market({ ...shape, bars: 3000, flat: 0 });
    const plan = planFeatures({ include: ["day_return", "minutes_since_day_start"] }, { step: MINUTE, rows: 1e6 });
    const { X } = computeFeatures(plan, bars);
    // Row 1439 closes at midnight and belongs to Monday; row 1440 is Tuesday's first.
    expect([X[1439 * 2], X[1439 * 2 + 1]]).toEqual([Number.NaN, 1440]);
    expect(X[1440 * 2]).toBeCloseTo(Math.log(bars.close[1440]! / bars.open[1440]!), 6);
    expect(X[1440 * 2 + 1]).toBe(1);
    expect(X[1600 * 2]).toBeCloseTo(Math.log(bars.close[1600]! / bars.open[1440]!), 6);
  });
});
