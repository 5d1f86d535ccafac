import { type DateOrder, MICROS_PER_DAY } from "../types/index.js";
import { StampColumn } from "./bar-stamps.js";
import { withDuckDB } from "./duckdb.js";
import { dataError } from "./failure.js";
import { openTable, readTable, type Table } from "./table.js";
import { addStamps, placeInTable } from "./table-stamps.js";

/** A line of a file of rolls. */
export interface RollRow {
  /** From when on the new contract is quoted: a moment, or the midnight of a trading date. */
  micros: number;
  isDate: boolean;
  contract: string;
  /** Prices of the old and the new contract at one moment before the roll; null where the file has none. */
  oldPrice: number | null;
  newPrice: number | null;
  /** For messages: file and line. */
  place: string;
}

const SPELLINGS = "Write timestamp,contract or timestamp,contract,old_price,new_price.";

/**
 * Reads `timestamp` (or `date`), `contract` and, where they are there, `old_price` and `new_price`, oldest first.
 *
 * @param dateOrder of the bars' own dates such as 03/04/2024, or as it was said
 *
 * @throws FoldwiseError `data.*` with line and column.
 */
export async function readRolls(path: string, timeZone: string, dateOrder?: DateOrder): Promise<RollRow[]> {
  return withDuckDB(async (connection) => {
    const table = await openTable(connection, path);
    const [time, contract] = [need(table, ["timestamp", "date", "time"]), need(table, ["contract", "to", "symbol"])];
    const [oldPrice, newPrice] = [find(table, ["old_price"]), find(table, ["new_price"])];
    const prices = [oldPrice, newPrice].filter((name) => name !== null);
    if (prices.length === 1) {
      const missing = oldPrice === null ? "old_price" : "new_price";
      throw dataError("data.missing_column", { path, column: missing }, "one price alone joins nothing.", SPELLINGS);
    }
    const place = placeInTable(table, 0);
    const order = dateOrder === undefined ? {} : { dateOrder };
    const stamps = new StampColumn(time, place, { orderFlag: true, ...order });
    const rows: { contract: string; prices: number[] }[] = [];
    for await (const batch of readTable(connection, table, [
      { name: time, as: "stamp" },
      { name: contract, as: "text" },
      ...prices.map((name) => ({ name, as: "number" as const })),
    ])) {
      addStamps(stamps, batch, 0, table, time, "local");
      const columns = prices.map((_, k) => batch.float64(2 + k));
      for (const [i, name] of batch.text(1).entries()) {
        rows.push({ contract: name ?? "", prices: columns.map((values) => values[i]!) });
      }
    }
    if (rows.length === 0) throw dataError("data.no_rows", { path }, "there is a header but no roll.", SPELLINGS);
    const isDate = stamps.values().every((stamp) => stamp % MICROS_PER_DAY === 0);
    const micros = isDate ? stamps.values() : stamps.toUtc(timeZone);
    return rows.map((row, i) => {
      if (row.contract.trim() === "") {
        throw dataError(
          "data.bad_roll",
          place(i, contract, null),
          "it names no contract.",
          "Name it, or remove the line.",
        );
      }
      const [old, fresh] = row.prices;
      if (old !== undefined && fresh !== undefined && !(old > 0 && fresh > 0)) {
        throw dataError(
          "data.bad_roll",
          place(i, "old_price", old),
          "its prices are not both above 0.",
          "Correct them.",
        );
      }
      return {
        micros: micros[i]!,
        isDate,
        contract: row.contract,
        oldPrice: old ?? null,
        newPrice: fresh ?? null,
        place: `${path}, row ${i + 1}`,
      };
    });
  });
}

function find(table: Table, names: readonly string[]): string | null {
  return table.columns.find(({ name }) => names.includes(name.trim().toLowerCase()))?.name ?? null;
}

function need(table: Table, names: readonly string[]): string {
  const found = find(table, names);
  if (found !== null) return found;
  throw dataError(
    "data.missing_column",
    { path: table.file.path, column: names[0]! },
    `a file of rolls needs this column; the file has: ${table.columns.map(({ name }) => name).join(", ")}.`,
    SPELLINGS,
  );
}
