import { type Adjust, type Bars, FoldwiseError, type Roll } from "../types/index.js";

const PRICES = ["open", "high", "low", "close"] as const;

/** Bars whose contracts are joined, and how. */
export interface AdjustedBars {
  /** Prices of later contracts moved to the level of the first; the same arrays where nothing is adjusted. */
  bars: Bars;
  /** (N) adjusted = unadjusted × factor + shift. */
  factor: Float64Array;
  shift: Float64Array;
}

/**
 * Changes of contract, from the bars' own column. Without prices of both contracts at one moment the old one's last close and
 * the new one's first open are compared, so what the market moved between them is taken for the difference of the contracts.
 *
 * @throws FoldwiseError `data.contract_returns` where a contract comes again after another one.
 */
export function rollsOfContracts(bars: Bars, place: (row: number) => string): { rows: number[]; rolls: Roll[] } {
  const { contract } = bars;
  const rows: number[] = [];
  if (contract === undefined) return { rows, rolls: [] };
  const seen = new Map<string, number>();
  for (let i = 0; i < bars.n; i++) {
    if (i > 0 && contract[i] === contract[i - 1]) continue;
    const earlier = seen.get(contract[i]!);
    if (earlier !== undefined) {
      throw new FoldwiseError(
        "data.contract_returns",
        `${place(i)}: contract "${contract[i]}" comes again after "${contract[i - 1]}"; it stood there first at ${place(earlier)}.`,
        {
          remedy:
            "A roll goes forward once. Sort the bars, or mend the contract column; give rolls by --rolls instead if it is not one.",
          details: { row: i + 1, contract: contract[i] },
        },
      );
    }
    seen.set(contract[i]!, i);
    if (i > 0) rows.push(i);
  }
  return { rows, rolls: rows.map((row) => spliced(bars, row, contract[row - 1]!, contract[row]!)) };
}

/** The roll at `row`, by the prices on both sides of it. */
export function spliced(bars: Bars, row: number, from: string, to: string): Roll {
  return {
    timestamp: bars.timestamp[row]!,
    from,
    to,
    oldPrice: bars.close[row - 1]!,
    newPrice: bars.open[row]!,
    prices: "spliced",
  };
}

/**
 * Joins contracts forward: the first keeps its prices, later ones are moved to its level. So the past never changes when a roll
 * is added, and a bar's features are known when the bar is.
 *
 * ```
 *            roll: old 100, new 104
 *   A  98 100 │ 104 106  B        ratio:       98 100 │ 100 101.9
 *                                 difference:  98 100 │ 100 102
 * ```
 *
 * @param start what the first bar's contract is moved by already (a stream that begins in the middle of a series)
 * @throws FoldwiseError `data.adjusted_below_zero` where a difference leaves no price above 0.
 */
export function adjustBars(
  bars: Bars,
  rows: readonly number[],
  rolls: readonly Roll[],
  adjust: Adjust,
  start: { factor: number; shift: number } = { factor: 1, shift: 0 },
): AdjustedBars {
  const { n } = bars;
  const factor = new Float64Array(n).fill(1);
  const shift = new Float64Array(n);
  const untouched = rolls.length === 0 && start.factor === 1 && start.shift === 0;
  if (adjust === "none" || untouched) return { bars, factor, shift };
  let now = start;
  let next = 0;
  for (let i = 0; i < n; i++) {
    while (next < rows.length && rows[next] === i) {
      now = after(now, rolls[next]!, adjust);
      next++;
    }
    factor[i] = now.factor;
    shift[i] = now.shift;
  }
  const moved = Object.fromEntries(
    PRICES.map((name) => [name, bars[name].map((price, i) => price * factor[i]! + shift[i]!)]),
  ) as Record<(typeof PRICES)[number], Float64Array>;
  const bad = moved.low.findIndex((price) => price <= 0);
  if (bad >= 0) {
    throw new FoldwiseError(
      "data.adjusted_below_zero",
      `Adjusted by difference, the low of row ${bad + 1} becomes ${moved.low[bad]}.`,
      { remedy: "Use adjust: ratio, which keeps prices above 0.", details: { row: bad + 1 } },
    );
  }
  return { bars: { ...bars, ...moved }, factor, shift };
}

/** What a roll adds to the adjustment in force. */
export function after(
  now: { factor: number; shift: number },
  { oldPrice, newPrice }: Roll,
  adjust: Adjust,
): { factor: number; shift: number } {
  if (adjust === "ratio") return { factor: now.factor * (oldPrice / newPrice), shift: 0 };
  return { factor: 1, shift: now.shift + oldPrice - newPrice };
}
