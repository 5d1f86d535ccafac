import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { continueFrom, DEMO_SYMBOLS, generateDemoBars, stateAt } from "../../../src/data/demo/index.js";
import { FoldwiseError, MICROS_PER_MINUTE, seededRandom } from "../../../src/types/index.js";

const options = { symbol: "MES", bars: 3000, bar: "5m", seed: 7 };
const { bars, hidden } = generateDemoBars(options);
const minuteOfDay = (stamp: number) => (stamp / MICROS_PER_MINUTE) % 1440;

describe("demo bars", () => {
  it("are the same for the same options, and others for another seed or symbol", () => {
    expect(generateDemoBars(options).bars).toEqual(bars);
    expect(generateDemoBars({ ...options, seed: 8 }).bars.close).not.toEqual(bars.close);
    const other = generateDemoBars({ ...options, symbol: "MGC" });
    expect(other.hidden.signal).not.toEqual(hidden.signal);
  });

  it("of a longer series begin with the shorter one", () => {
    const shorter = generateDemoBars({ ...options, bars: 500 });
    expect(bars.close.slice(0, 500)).toEqual(shorter.bars.close);
    expect(hidden.signal.slice(0, 500)).toEqual(shorter.hidden.signal);
  });

  it("are valid bars on the tick grid, for any seed, symbol and length", () => {
    const lengths = fc.constantFrom("1m", "5m", "15m", "30m", "1h");
    fc.assert(
      fc.property(fc.constantFrom(...DEMO_SYMBOLS), lengths, fc.nat({ max: 2 ** 31 - 1 }), (symbol, bar, seed) => {
        const demo = generateDemoBars({ symbol, bar, seed, bars: 300 });
        const { open, high, low, close, volume, timestamp } = demo.bars;
        for (let i = 0; i < 300; i++) {
          if (low[i]! > Math.min(open[i]!, close[i]!) || high[i]! < Math.max(open[i]!, close[i]!)) return false;
          if (!(low[i]! > 0) || !Number.isInteger(volume[i]!) || volume[i]! < 1) return false;
          if (i > 0 && timestamp[i]! <= timestamp[i - 1]!) return false;
          for (const price of [open[i]!, high[i]!, low[i]!, close[i]!]) {
            const ticks = price / demo.hidden.process.tick;
            if (Math.abs(ticks - Math.round(ticks)) > 1e-6) return false;
          }
        }
        return true;
      }),
      { numRuns: 40 },
    );
  });

  it("trade 23 hours a day from Sunday 22:00 UTC to Friday 21:00 UTC", () => {
    expect(new Date(bars.timestamp[0]! / 1000).toISOString()).toBe("2022-01-02T22:05:00.000Z");
    for (let i = 1; i < bars.n; i++) {
      const gap = (bars.timestamp[i]! - bars.timestamp[i - 1]!) / MICROS_PER_MINUTE;
      if (gap === 5) continue;
      expect([65, 49 * 60 + 5]).toContain(gap);
      expect(minuteOfDay(bars.timestamp[i - 1]!)).toBe(21 * 60);
      if (gap !== 65) expect(new Date(bars.timestamp[i - 1]! / 1000).getUTCDay()).toBe(5);
    }
    const weekdays = new Set(Array.from(bars.timestamp, (stamp) => new Date(stamp / 1000).getUTCDay()));
    expect(weekdays.has(6)).toBe(false);
  });

  it("cluster in volatility, peak in the American morning, and jump now and then", () => {
    const long = generateDemoBars({ ...options, bars: 30_000 });
    const moves = logMoves(long.bars.open, long.bars.close);
    const sizes = moves.map(Math.abs);
    expect(autocorrelation(sizes, 5)).toBeGreaterThan(0.1);
    expect(Math.abs(autocorrelation(moves, 50))).toBeLessThan(0.03);
    const average = (hour: number) => mean(sizes.filter((_, i) => hourOf(long.bars.timestamp[i]!) === hour));
    expect(average(14) / average(2)).toBeGreaterThan(1.5);
    expect(kurtosis(moves)).toBeGreaterThan(4);
  });

  it("carry the hidden signal in prices and in what indicators see, but weakly in any one bar", () => {
    const long = generateDemoBars({ ...options, bars: 30_000 });
    const { open, high, low, close } = long.bars;
    const signal = Array.from(long.hidden.signal);
    const moves = logMoves(open, close);
    const location = moves.map((_, i) => (2 * close[i]! - high[i]! - low[i]!) / Math.max(high[i]! - low[i]!, 1e-9));
    for (const [seen, atMost] of [
      [moves, 0.3],
      [location, 0.4],
    ] as const) {
      expect(correlation(seen, signal)).toBeGreaterThan(0.08);
      expect(correlation(seen, signal)).toBeLessThan(atMost);
    }
    expect(correlation(signal.slice(0, -1), signal.slice(1))).toBeCloseTo(0.965, 2);
  });
});

describe("a continuation", () => {
  it("leaves the state alone, follows from its random stream and keeps the schedule", () => {
    const row = 274;
    const state = stateAt({ bars, hidden }, row);
    const before = { ...state };
    const once = continueFrom(hidden.process, state, seededRandom(3), 20);
    expect(state).toEqual(before);
    expect(continueFrom(hidden.process, state, seededRandom(3), 20)).toEqual(once);
    expect(continueFrom(hidden.process, state, seededRandom(4), 20).close).not.toEqual(once.close);
    expect(once.timestamp).toEqual(bars.timestamp.slice(row + 1, row + 21));
  });

  it("depends on nothing but the state and the random stream", () => {
    const process = hidden.process;
    const random = seededRandom(5);
    const start = stateAt({ bars, hidden }, 100);
    const whole = continueFrom(process, start, random, 50);
    const again = seededRandom(5);
    const half = continueFrom(process, start, again, 25);
    expect(half.close).toEqual(whole.close.slice(0, 25));
    expect(half.high).toEqual(whole.high.slice(0, 25));
  });

  it("drifts with the hidden signal", () => {
    const moves: number[] = [];
    const state = { ...stateAt({ bars, hidden }, 1000), signal: 2, logVolatility: 0 };
    for (let seed = 0; seed < 3000; seed++) {
      const next = continueFrom(hidden.process, state, seededRandom(seed), 1);
      moves.push(Math.log(next.close[0]! / next.open[0]!));
    }
    // Drift 0.22 σ times the signal, which is about 1.93 after a state of 2.
    expect(mean(moves) / Math.sqrt(mean(moves.map((x) => (x - mean(moves)) ** 2)))).toBeCloseTo(0.42, 1);
  });
});

describe("demo options", () => {
  const code = (changed: object) => {
    try {
      generateDemoBars({ ...options, ...changed });
      return "accepted";
    } catch (error) {
      return error instanceof FoldwiseError && error.remedy !== undefined ? error.code : error;
    }
  };
  it("are refused by name when they make no sense", () => {
    expect(code({ symbol: "ES" })).toBe("usage.unknown_demo_symbol");
    expect(code({ bar: "7m" })).toBe("usage.unknown_demo_bar");
    expect(code({ bar: "constructor" })).toBe("usage.unknown_demo_bar");
    expect(code({ bars: 0 })).toBe("usage.bad_demo_size");
    expect(code({ bars: 1.5 })).toBe("usage.bad_demo_size");
    expect(code({ seed: -1 })).toBe("usage.bad_seed");
  });
});

function logMoves(from: Float64Array, to: Float64Array): number[] {
  return Array.from(from, (price, i) => Math.log(to[i]! / price));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  let ab = 0;
  let aa = 0;
  let bb = 0;
  a.forEach((value, i) => {
    ab += (value - ma) * (b[i]! - mb);
    aa += (value - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

function autocorrelation(values: readonly number[], lag: number): number {
  return correlation(values.slice(0, -lag), values.slice(lag));
}

function kurtosis(values: readonly number[]): number {
  const m = mean(values);
  const variance = mean(values.map((x) => (x - m) ** 2));
  return mean(values.map((x) => (x - m) ** 4)) / variance ** 2;
}

function hourOf(stamp: number): number {
  return Math.floor(minuteOfDay(stamp) / 60);
}
