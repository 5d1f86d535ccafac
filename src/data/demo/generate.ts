import { type Bars, FoldwiseError, type Random, seededRandom } from "../../types/index.js";
import { DEMO_PARAMETERS, DEMO_SYMBOLS, type DemoProcess, type DemoState, demoProcess, stepDemo } from "./process.js";

export interface DemoOptions {
  /** `MES` or `MGC`. */
  symbol: string;
  /** How many bars. */
  bars: number;
  /** `1m`, `5m`, `15m`, `30m` or `1h`. */
  bar: string;
  seed: number;
}

/** What only the generator knows: the state at each bar's close, (n). */
export interface DemoHidden {
  process: DemoProcess;
  signal: Float64Array;
  logVolatility: Float64Array;
}

export interface DemoBars {
  bars: Bars;
  hidden: DemoHidden;
}

/** 2022-01-02T22:00Z, a Sunday: the first session opens. */
const START_MINUTE = Date.UTC(2022, 0, 2, 22) / 60_000;
export const MAX_DEMO_BARS = 5_000_000;

/**
 * Synthetic futures-like bars with a planted weak signal (see `process.ts`). The same options give the same bars on
 * every machine; a longer series begins with the shorter one.
 * Throws `usage.unknown_demo_symbol`, `usage.unknown_demo_bar`, `usage.bad_demo_size`.
 */
export function generateDemoBars(options: DemoOptions): DemoBars {
  const process = demoProcess(options.symbol, options.bar);
  const n = checkedSize(options.bars);
  const random = seededRandom(checkedSeed(options.seed) * DEMO_SYMBOLS.length + DEMO_SYMBOLS.indexOf(process.symbol));
  const state: DemoState = {
    minute: START_MINUTE,
    close: process.startPrice,
    signal: random.normal(),
    logVolatility: DEMO_PARAMETERS.volatilitySpread * random.normal(),
  };
  const bars = emptyBars(n);
  const signal = new Float64Array(n);
  const logVolatility = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    stepDemo(process, state, random, bars, i);
    signal[i] = state.signal;
    logVolatility[i] = state.logVolatility;
  }
  return { bars, hidden: { process, signal, logVolatility } };
}

/** The state after bar `row` has closed: all that the process's future depends on. */
export function stateAt(demo: DemoBars, row: number): DemoState {
  return {
    minute: demo.bars.timestamp[row]! / 60_000_000,
    close: demo.bars.close[row]!,
    signal: demo.hidden.signal[row]!,
    logVolatility: demo.hidden.logVolatility[row]!,
  };
}

/**
 * One possible future: the `steps` bars after `state`, by the same step function as the series itself. `state` is not
 * changed. With `target`, they are written to its rows `offset` … `offset + steps − 1` instead of new arrays.
 */
export function continueFrom(
  process: DemoProcess,
  state: Readonly<DemoState>,
  random: Random,
  steps: number,
  target: Bars = emptyBars(steps),
  offset = 0,
): Bars {
  const moving = { ...state };
  for (let i = 0; i < steps; i++) stepDemo(process, moving, random, target, offset + i);
  return target;
}

/** Bars of zeros, to be filled. */
export function emptyBars(n: number): Bars {
  const column = () => new Float64Array(n);
  return {
    n,
    timestamp: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  };
}

function checkedSize(bars: number): number {
  if (Number.isInteger(bars) && bars >= 1 && bars <= MAX_DEMO_BARS) return bars;
  throw new FoldwiseError("usage.bad_demo_size", `${bars} is not a number of demo bars.`, {
    remedy: `Use a whole number from 1 to ${MAX_DEMO_BARS}.`,
    details: { got: bars, allowed: [1, MAX_DEMO_BARS] },
  });
}

function checkedSeed(seed: number): number {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) return seed;
  throw new FoldwiseError("usage.bad_seed", `${seed} is not a seed.`, {
    remedy: "Use a whole number from 0 to 2147483647.",
    details: { got: seed },
  });
}
