import type { SymbolMarket } from "../../config/index.js";
import { roundTripCosts } from "../../evaluation/index.js";
import { Calendar, UNKNOWN_HOURS } from "../../market/index.js";
import type { TradingInput } from "../../report/index.js";
import { type Costs, gather, MICROS_PER_DAY, type StoredDataset, type Timestamps } from "../../types/index.js";

/**
 * What a job's answers are traded on: returns, sessions and costs of its tested rows. Hours and costs are those that the dataset
 * was prepared with; of a dataset that says nothing of them, the symbol's in config/symbols.yaml.
 *
 * @param rows Tested rows of the dataset, ascending.
 * @returns A reason where nothing can be traded.
 */
export function tradingOf(
  dataset: StoredDataset,
  { symbol, horizon }: { symbol: string; horizon: number },
  rows: Int32Array,
  market: SymbolMarket,
): TradingInput | { reason: string } {
  const returns = dataset.returns(horizon);
  if (returns === null) return { reason: `The dataset has no return_h${horizon}.` };
  const own = gather(returns, rows, new Float32Array(rows.length));
  if (own.every(Number.isNaN)) return { reason: `return_h${horizon} is missing on all tested rows.` };
  const at = (values: Float64Array): Float64Array => gather(values, rows, new Float64Array(rows.length));
  const { pipeline } = dataset.manifest;
  const calendar = new Calendar(pipeline?.sessions ?? market.sessions ?? UNKNOWN_HOURS);
  const [timestamps, labelEnds] = [at(dataset.timestamps()), at(dataset.labelEnds(horizon))];
  const known = pipeline === null ? market.costs : pipeline.costs;
  return {
    ...costsOf(known, dataset.entryPrice(), rows, symbol),
    ...sessionsOf(calendar, timestamps, labelEnds),
    timestamps,
    labelEnds,
    returns: own,
    calendar: calendar.known ? calendar.id : null,
  };
}

/** Costs a round trip, or why there are none. */
export function costsOf(
  known: Costs | null,
  prices: Float64Array | null,
  rows: Int32Array,
  symbol: string,
): Pick<TradingInput, "costs" | "symbolCosts" | "grossBecause"> {
  const gross = (grossBecause: string) => ({ costs: null, symbolCosts: null, grossBecause });
  if (known === null) return gross(`the costs of ${symbol} are not known (config/symbols.yaml)`);
  if (prices === null) return gross("the dataset has no entry_price, which turns costs into returns");
  const costs = roundTripCosts(known, gather(prices, rows, new Float64Array(rows.length)));
  if (costs.every(Number.isNaN)) return gross("entry_price is missing on all tested rows");
  return { costs, symbolCosts: known, grossBecause: null };
}

/** Sessions from that of the first row to the last in which a row or an exit lies, those without any bar included. */
function sessionsOf(
  calendar: Calendar,
  timestamps: Timestamps,
  labelEnds: Timestamps,
): Pick<TradingInput, "sessions" | "dates"> {
  const dayOf = (time: number): number => calendar.sessionOf(time).day;
  const [entries, exits] = [Int32Array.from(timestamps, dayOf), Int32Array.from(labelEnds, dayOf)];
  const last = exits.reduce((latest, day) => Math.max(latest, day), entries.at(-1)!);
  const number = new Map<number, number>();
  for (let day = entries[0]!; day <= last; day++) if (calendar.session(day) !== null) number.set(day, number.size);
  return {
    sessions: {
      entry: entries.map((day) => number.get(day)!),
      exit: exits.map((day) => number.get(day)!),
      count: number.size,
      perYear: calendar.sessionsPerYear(last),
    },
    dates: [...number.keys()].map((day) => new Date((day * MICROS_PER_DAY) / 1000).toISOString().slice(0, 10)),
  };
}
