import { dataError } from "./failure.js";
import type { Table } from "./table.js";

export type PriceColumn = "open" | "high" | "low" | "close" | "volume";

/** The file's own names of the columns that bars need. */
export interface BarColumns {
  time: string;
  /** A second column with the time of day, where the first holds the date. */
  timeOfDay: string | null;
  prices: Record<Exclude<PriceColumn, "volume">, string>;
  volume: string | null;
  contract: string | null;
  /** Names the symbol of each row, where the file has such a column. */
  symbol: string | null;
}

/** Spellings in order of preference, compared after `plain`. */
const SPELLINGS = {
  time: [
    "timestamp",
    "datetime",
    "date_time",
    "timestamp_utc",
    "datetime_utc",
    "time_utc",
    "open_time",
    "opentime",
    "bar_time",
    "date",
    "dtyyyymmdd",
    "day",
    "time",
    "ts",
    "t",
    "unix",
    "unix_time",
    "unix_timestamp",
    "unixtime",
    "epoch",
    "gmt_time",
    "local_time",
    "close_time",
    "closetime",
    "index",
    "__index_level_0__",
  ],
  open: ["open", "o", "open_price", "opening", "first", "px_open"],
  high: ["high", "h", "high_price", "max", "px_high"],
  low: ["low", "l", "low_price", "min", "px_low"],
  close: ["close", "c", "close_price", "closing", "last", "px_last", "close_last"],
  volume: [
    "volume",
    "vol",
    "v",
    "real_volume",
    "base_volume",
    "volume_base",
    "tick_volume",
    "tickvol",
    "px_volume",
    "qty",
  ],
  contract: ["contract", "contract_code"],
  symbol: ["symbol", "ticker", "instrument", "root_symbol"],
} as const;

/** Finds the columns of OHLCV bars whatever their order, case and usual spelling; a missing one is refused by name. */
export function findBarColumns(table: Table): BarColumns {
  const { path } = table.file;
  const byPlain = new Map<string, string>();
  for (const { name } of table.columns) {
    const key = plain(name);
    const other = byPlain.get(key);
    if (other !== undefined && Object.values(SPELLINGS).some((words) => (words as readonly string[]).includes(key))) {
      throw dataError(
        "data.duplicate_column",
        { path, column: name },
        `this column and "${other}" mean the same.`,
        "Remove or rename one of them.",
      );
    }
    byPlain.set(key, name);
  }
  const label = table.columns.find(({ name }) => /^label(_end)?(_h\d+)?$/.test(name));
  if (label !== undefined) {
    throw dataError(
      "data.prepared_already",
      { path, column: label.name },
      "this is a prepared dataset, not a file of bars.",
      "Give it to train or to predict with --data; prepare and --bars take raw bars.",
    );
  }
  const find = (what: keyof typeof SPELLINGS): string | null => {
    for (const word of SPELLINGS[what]) {
      const name = byPlain.get(word);
      if (name !== undefined) return name;
    }
    return null;
  };
  const need = (what: keyof typeof SPELLINGS): string => {
    const name = find(what);
    if (name !== null) return name;
    const have = table.columns.map((column) => column.name).slice(0, 30);
    throw dataError(
      "data.missing_column",
      { path, column: what === "time" ? "timestamp" : what },
      `bars need this column; the file has: ${have.join(", ")}.`,
      `Rename the column that holds it; understood are ${SPELLINGS[what].slice(0, 6).join(", ")}.`,
    );
  };
  const time = need("time");
  const timeOfDay = isDateName(time) ? (byPlain.get("time") ?? byPlain.get("hour") ?? null) : null;
  return {
    time,
    timeOfDay,
    prices: { open: need("open"), high: need("high"), low: need("low"), close: need("close") },
    volume: find("volume"),
    contract: find("contract"),
    symbol: find("symbol"),
  };
}

function isDateName(name: string): boolean {
  return ["date", "day", "dtyyyymmdd"].includes(plain(name));
}

/** `<TICKVOL>`, `Open Time`, `open-time` and `openTime` lose what differs only in style. */
function plain(name: string): string {
  return name
    .trim()
    .replace(/^<|>$/g, "")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[\s./()-]+/g, "_")
    .replace(/^_(?!_)|(?<!_)_$/g, "");
}
