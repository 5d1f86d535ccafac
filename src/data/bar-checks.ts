import type { Bars, ErrorCode } from "../types/index.js";
import type { BarColumns } from "./bar-columns.js";
import type { PlaceOfRow } from "./bar-stamps.js";
import { dataError } from "./failure.js";

/** Prices that went through float32 on their way are off by up to 6e-8 of their size. */
const ROUNDING = 1e-6;

const PRICES = ["open", "high", "low", "close"] as const;

/**
 * Refuses what no market can print: prices that are missing, infinite or not above 0, negative volume, high below low,
 * open or close outside them. What is out by rounding only is put back: high and low are widened in place.
 */
export function checkBars(bars: Bars, columns: BarColumns, place: PlaceOfRow): void {
  for (let row = 0; row < bars.n; row++) {
    for (const name of PRICES) {
      const price = bars[name][row]!;
      if (!Number.isFinite(price)) throw fault("data.not_finite", row, name, price, "is not a finite number.");
      if (price <= 0) throw fault("data.price_not_positive", row, name, price, "is not above 0.");
    }
    const volume = bars.volume[row]!;
    if (!Number.isFinite(volume)) throw fault("data.not_finite", row, "volume", volume, "is not a finite number.");
    if (volume < 0) throw fault("data.negative_volume", row, "volume", volume, "is negative.");

    const { high, low, slack } = boundsOf(bars, row);
    if (high < low - slack) throw fault("data.high_below_low", row, "high", high, `is below low, ${low}.`);
    for (const name of ["open", "close"] as const) {
      const price = bars[name][row]!;
      if (price > high + slack || price < low - slack)
        throw fault("data.price_outside_range", row, name, price, `is outside low and high, ${low} to ${high}.`);
    }
    bars.high[row] = Math.max(high, low, bars.open[row]!, bars.close[row]!);
    bars.low[row] = Math.min(high, low, bars.open[row]!, bars.close[row]!);
  }

  function fault(code: ErrorCode, row: number, name: (typeof PRICES)[number] | "volume", value: number, what: string) {
    const column = name === "volume" ? (columns.volume ?? "volume") : columns.prices[name];
    const said = Number.isNaN(value) ? "a missing value" : String(value);
    return dataError(code, place(row, column, value), `${said} ${what}`, "Correct or remove this bar, then run again.");
  }
}

function boundsOf(bars: Bars, row: number): { high: number; low: number; slack: number } {
  const [high, low] = [bars.high[row]!, bars.low[row]!];
  return { high, low, slack: ROUNDING * Math.abs(high) };
}
