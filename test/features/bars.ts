import fc from "fast-check";
import { type Bar, type Bars, MICROS_PER_MINUTE, seededRandom } from "../../src/types/index.js";

export const MINUTE = MICROS_PER_MINUTE;
/** 2024-01-01T00:00:00Z, a Monday. */
export const MONDAY = 1_704_067_200_000_000;

type Columns = Record<"open" | "high" | "low" | "close" | "volume", ArrayLike<number>>;

/** Bars of one step without gaps; the first closes one step after `start`. */
export function barsOf(columns: Columns, step = MINUTE, start = MONDAY): Bars {
  const n = columns.close.length;
  return {
    n,
    timestamp: Float64Array.from({ length: n }, (_, i) => start + (i + 1) * step),
    open: Float64Array.from(columns.open),
    high: Float64Array.from(columns.high),
    low: Float64Array.from(columns.low),
    close: Float64Array.from(columns.close),
    volume: Float64Array.from(columns.volume),
  };
}

export interface MarketShape {
  seed: number;
  bars: number;
  /** Share of stretches in which the price does not move. */
  flat: number;
  /** Share of stretches without volume. */
  idle: number;
  /** Smallest price difference; real markets repeat prices exactly. */
  tick: number;
  /** Share of bars that are not there. */
  missing?: number;
  step?: number;
  start?: number;
}

const STRETCH = 40;

/** A seeded walk on a tick grid with jumps, flat and idle stretches: what breaks ratios of small numbers. */
export function market(shape: MarketShape): Bars {
  const { seed, bars: n, flat, idle, tick } = shape;
  const random = seededRandom(seed);
  const onGrid = (price: number) => Math.max(tick, Math.round(price / tick) * tick);
  const columns = {
    open: [] as number[],
    high: [] as number[],
    low: [] as number[],
    close: [] as number[],
    volume: [] as number[],
  };
  let price = onGrid(100);
  let [isFlat, isIdle, volatility] = [false, false, 0.001];
  for (let i = 0; i < n; i++) {
    if (i % STRETCH === 0) {
      isFlat = random.next() < flat;
      isIdle = random.next() < idle;
      volatility = 10 ** (-4 + 2 * random.next());
    }
    const jump = !isFlat && random.next() < 0.005 ? 1 + 0.1 * (random.next() - 0.5) : 1;
    const open = isFlat ? price : onGrid(price * jump);
    const close = isFlat ? price : onGrid(open * Math.exp(volatility * random.normal()));
    const wick = () => (isFlat ? 0 : tick * random.int(3));
    columns.open.push(open);
    columns.close.push(close);
    columns.high.push(Math.max(open, close) + wick());
    columns.low.push(Math.max(tick, Math.min(open, close) - wick()));
    columns.volume.push(isIdle ? 0 : random.int(1000));
    price = close;
  }
  const all = barsOf(columns, shape.step, shape.start);
  const { missing = 0 } = shape;
  const kept = Int32Array.from({ length: n }, (_, i) => i).filter(() => random.next() >= missing);
  return missing === 0 ? all : pick(all, kept);
}

/** Any such market. */
export function anyMarket(bars: number): fc.Arbitrary<MarketShape> {
  return fc.record({
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    bars: fc.constant(bars),
    flat: fc.constantFrom(0, 0.3, 0.9, 1),
    idle: fc.constantFrom(0, 0.3, 1),
    tick: fc.constantFrom(0.01, 0.25, 0.0001),
    missing: fc.constantFrom(0, 0.1),
  });
}

/** The given rows. */
export function pick(bars: Bars, rows: Int32Array): Bars {
  const take = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
  return {
    n: rows.length,
    timestamp: take(bars.timestamp),
    open: take(bars.open),
    high: take(bars.high),
    low: take(bars.low),
    close: take(bars.close),
    volume: take(bars.volume),
  };
}

/** Rows `from` to `to` (exclusive). */
export function slice(bars: Bars, from: number, to: number): Bars {
  return pick(
    bars,
    Int32Array.from({ length: to - from }, (_, i) => from + i),
  );
}

export function scaled(bars: Bars, factor: number): Bars {
  const times = (prices: Float64Array) => prices.map((p) => p * factor);
  return {
    ...bars,
    open: times(bars.open),
    high: times(bars.high),
    low: times(bars.low),
    close: times(bars.close),
  };
}

export function barAt(bars: Bars, i: number): Bar {
  return {
    timestamp: bars.timestamp[i]!,
    open: bars.open[i]!,
    high: bars.high[i]!,
    low: bars.low[i]!,
    close: bars.close[i]!,
    volume: bars.volume[i]!,
  };
}

/** Equal value by value, NaN equal to itself. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
}
