import { type Bars, FoldwiseError, type Random } from "../../types/index.js";
import { closeOfNextBar, intradayProfile, MINUTES_PER_SESSION, slotOf } from "./schedule.js";

/**
 * The process behind the demo bars. One bar, given the state at the previous bar's close:
 *
 *   s  ← φ s + √(1−φ²) ε₁                    hidden signal, AR(1), variance 1: the planted weak signal
 *   h  ← ρ h + √(1−ρ²) ν ε₂                  log-volatility, AR(1), standard deviation ν: clustering
 *   σ  = base · profile(time of day) · eʰ
 *   r  = σ (μ s + z) + jump                  close over open, in logs; jumps are rare and several σ wide
 *   high, low = extremes of a Brownian bridge from 0 to r; the wicks beyond open and close are scaled by e^∓κs
 *   volume = level · profile · exp(0.7 h + 0.35 |z| + γ s tanh z + noise)
 *
 * So s moves prices (μ) and leaks into what indicators see: where the close lies within the range (κ), and whether
 * volume comes with rises or with falls (γ). No one observes s, a model can only filter it. The process runs in bars,
 * not in minutes: the same persistence for 1m and 1h bars. Prices are rounded to ticks; the rounded close is the base
 * of the next bar, so the state below and a seed are all that the future depends on.
 */
export interface DemoState {
  /** Close of the last bar, minutes since 1970-01-01T00:00Z. */
  minute: number;
  /** Rounded close of the last bar. */
  close: number;
  /** s */
  signal: number;
  /** h */
  logVolatility: number;
}

export const DEMO_SYMBOLS = ["MES", "MGC"] as const;
export type DemoSymbol = (typeof DEMO_SYMBOLS)[number];

export const DEMO_BAR_MINUTES = { "1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60 } as const;
export type DemoBarLength = keyof typeof DEMO_BAR_MINUTES;

interface SymbolTraits {
  startPrice: number;
  tick: number;
  /** Of a five-minute bar at an average time of day. */
  volatility: number;
  /** Contracts in a five-minute bar at an average time of day. */
  volume: number;
  /** UTC minute of day at which the day's activity peaks. */
  peak: number;
}

const TRAITS: Record<DemoSymbol, SymbolTraits> = {
  MES: { startPrice: 4700, tick: 0.25, volatility: 6.0e-4, volume: 4200, peak: 14 * 60 + 45 },
  MGC: { startPrice: 1900, tick: 0.1, volatility: 5.5e-4, volume: 900, peak: 13 * 60 + 30 },
};

/** Everything but the state: constants of the process for one symbol and bar length. */
export interface DemoProcess {
  symbol: DemoSymbol;
  bar: DemoBarLength;
  minutes: number;
  tick: number;
  startPrice: number;
  /** σ at h = 0 and volume level, by bar of the session. */
  volatilityAt: Float64Array;
  volumeAt: Float64Array;
}

/** φ, ρ, ν, μ, κ, γ of the process, jump probability a bar and jump size in σ. */
export const DEMO_PARAMETERS = {
  signalPersistence: 0.965,
  volatilityPersistence: 0.995,
  volatilitySpread: 0.35,
  drift: 0.22,
  wickLeak: 0.25,
  volumeLeak: 0.8,
  jumpRate: 0.002,
  jumpSize: 4,
  openingGap: 2,
} as const;

/** Throws `usage.unknown_demo_symbol` and `usage.unknown_demo_bar`. */
export function demoProcess(symbol: string, bar: string): DemoProcess {
  const traits = isDemoSymbol(symbol) ? TRAITS[symbol] : undefined;
  if (!isDemoSymbol(symbol) || traits === undefined) {
    throw new FoldwiseError("usage.unknown_demo_symbol", `There are no demo bars for ${JSON.stringify(symbol)}.`, {
      remedy: `Use one of ${DEMO_SYMBOLS.join(", ")}.`,
      details: { got: symbol, allowed: DEMO_SYMBOLS },
    });
  }
  if (!isDemoBarLength(bar)) {
    const allowed = Object.keys(DEMO_BAR_MINUTES);
    throw new FoldwiseError("usage.unknown_demo_bar", `There are no demo bars of length ${JSON.stringify(bar)}.`, {
      remedy: `Use one of ${allowed.join(", ")}.`,
      details: { got: bar, allowed },
    });
  }
  const minutes = DEMO_BAR_MINUTES[bar];
  const slots = MINUTES_PER_SESSION / minutes;
  const volatilityAt = new Float64Array(slots);
  const volumeAt = new Float64Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    const profile = intradayProfile((slot + 0.5) * minutes, traits.peak);
    volatilityAt[slot] = traits.volatility * Math.sqrt(minutes / 5) * profile;
    volumeAt[slot] = traits.volume * (minutes / 5) * profile * profile;
  }
  const { tick, startPrice } = traits;
  return { symbol, bar, minutes, tick, startPrice, volatilityAt, volumeAt };
}

/**
 * Simulates the next bar into row `i` of `bars` and moves `state` to its close. The one step function: the series
 * and every continuation are made by it.
 */
export function stepDemo(process: DemoProcess, state: DemoState, random: Random, bars: Bars, i: number): void {
  const { tick } = process;
  const p = DEMO_PARAMETERS;
  const previousClose = state.minute;
  state.minute = closeOfNextBar(previousClose, process.minutes);
  const slot = slotOf(state.minute, process.minutes);

  state.signal = p.signalPersistence * state.signal + SIGNAL_SHOCK * random.normal();
  state.logVolatility = p.volatilityPersistence * state.logVolatility + VOLATILITY_SHOCK * random.normal();
  const s = state.signal;
  const sigma = process.volatilityAt[slot]! * Math.exp(state.logVolatility);

  // After a break the market reopens away from the last close; within a session a tick away or none.
  const opening = state.minute - previousClose > process.minutes;
  const away = opening ? state.close * p.openingGap * sigma * random.normal() : tick * (random.int(3) - 1);
  const open = onTick(state.close + away, tick);

  const z = random.normal();
  const jump = random.next() < p.jumpRate ? p.jumpSize * sigma * random.normal() : 0;
  const r = sigma * (p.drift * s + z) + jump;
  const twice = 2 * sigma * sigma;
  const top = (r + Math.sqrt(r * r - twice * Math.log(1 - random.next()))) / 2;
  const bottom = (r - Math.sqrt(r * r - twice * Math.log(1 - random.next()))) / 2;
  const lean = Math.exp(p.wickLeak * s);
  const above = Math.max(r, 0);
  const below = Math.min(r, 0);

  const close = onTick(open * Math.exp(r), tick);
  const high = onTick(open * Math.exp(above + (top - above) / lean), tick);
  const low = onTick(open * Math.exp(below + (bottom - below) * lean), tick);
  const push = p.volumeLeak * s * Math.tanh(z) + 0.35 * Math.abs(z) + 0.3 * random.normal();
  state.close = close;

  bars.timestamp[i] = state.minute * 60_000_000;
  bars.open[i] = open;
  bars.high[i] = Math.max(high, open, close);
  bars.low[i] = Math.min(low, open, close);
  bars.close[i] = close;
  bars.volume[i] = Math.max(1, Math.round(process.volumeAt[slot]! * Math.exp(0.7 * state.logVolatility + push)));
}

const SIGNAL_SHOCK = Math.sqrt(1 - DEMO_PARAMETERS.signalPersistence ** 2);
const VOLATILITY_SHOCK = DEMO_PARAMETERS.volatilitySpread * Math.sqrt(1 - DEMO_PARAMETERS.volatilityPersistence ** 2);

/** The nearest price on the tick grid, as an exact decimal where ticks are decimal; never below one tick. */
function onTick(price: number, tick: number): number {
  const ticks = Math.max(1, Math.round(price / tick));
  return tick < 1 ? ticks / Math.round(1 / tick) : ticks * tick;
}

function isDemoSymbol(symbol: string): symbol is DemoSymbol {
  return DEMO_SYMBOLS.some((known) => known === symbol);
}

function isDemoBarLength(bar: string): bar is DemoBarLength {
  return Object.hasOwn(DEMO_BAR_MINUTES, bar);
}
