import { formatChoice } from "./choice.js";
import { formatComparison } from "./comparison.js";
import type { SelectionReport } from "./schema.js";

/** What a run's models of one symbol and horizon are beside one another, and among how many the best was found; for the terminal. */
export function formatSelection({ comparison, choice, symbol, horizon, synthetic }: SelectionReport): string {
  const parts = [
    ...(comparison === null ? [] : [formatComparison(comparison)]),
    ...(choice === null ? [] : [formatChoice(choice)]),
  ];
  return parts.length === 0
    ? ""
    : `${symbol}, horizon ${horizon} bars${synthetic ? ", SYNTHETIC data" : ""}\n${parts.join("\n\n")}\n`;
}
