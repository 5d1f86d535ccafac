import { type DateOrder, MICROS_PER_DAY } from "../types/index.js";

/** How it is known what the dates of a file mean. */
export interface FoundOrder {
  order: DateOrder;
  /** `told`: a number above 12 stands there; `guessed`: only so are the rows in time order. */
  by: "said" | "told" | "guessed";
}

/** A file's stamps as each order reads them, NaN where it has no such date. */
export type Readings = Record<DateOrder, Float64Array>;

/**
 * What dates that fit both orders mean, by the order of the rows: dates may not run backwards.
 *
 * @returns null where both orders run forwards, or neither does
 */
export function orderOfRows({ mdy, dmy }: Readings): FoundOrder | null {
  // 05/05 and 06/06 are the same in both.
  if (mdy.every((stamp, row) => stamp === dmy[row])) return { order: "mdy", by: "told" };
  const [month, day] = [runsForwards(mdy), runsForwards(dmy)];
  return month === day ? null : { order: month ? "mdy" : "dmy", by: "guessed" };
}

/** By the date alone: where clocks are set back an hour comes twice. */
function runsForwards(stamps: Float64Array): boolean {
  let before = Number.NEGATIVE_INFINITY;
  for (const stamp of stamps) {
    const day = Math.floor(stamp / MICROS_PER_DAY);
    if (day < before) return false;
    if (!Number.isNaN(day)) before = day;
  }
  return true;
}

/** `day first`, `month first`: how messages name an order. */
export const orderInWords = (order: DateOrder): string => (order === "mdy" ? "month first" : "day first");

/** What is said of an order that only the order of the rows tells. */
export function guessedOrder({ order }: FoundOrder): string {
  const other = order === "mdy" ? "dmy" : "mdy";
  return `dates such as 03/04/2024 are read ${orderInWords(order)}, because only so are the rows in time order. If they are ${orderInWords(other)}: --date-order ${other}.`;
}
