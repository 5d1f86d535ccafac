import { sha256File } from "../files/index.js";
import {
  type Bars,
  type BarTime,
  type DateOrder,
  FoldwiseError,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  type Timestamps,
} from "../types/index.js";
import { checkBars } from "./bar-checks.js";
import { type BarColumns, findBarColumns } from "./bar-columns.js";
import { type PlaceOfRow, StampColumn } from "./bar-stamps.js";
import type { Batch } from "./batch.js";
import { ColumnCollector } from "./column-collector.js";
import { type FoundOrder, guessedOrder } from "./date-order.js";
import { withDuckDB } from "./duckdb.js";
import { dataError } from "./failure.js";
import { medianStep, modalStep } from "./steps.js";
import { type ColumnRequest, openTable, readerOf, readTable, type Table } from "./table.js";
import { addStamps, placeInTable } from "./table-stamps.js";
import { checkTimeZone } from "./time-zone.js";

export interface ReadBarsOptions {
  /** What the file's stamps name. Required unless the bars are dates, or the market proves it. */
  barTime?: BarTime;
  /** IANA name of the zone of stamps that carry none; `UTC` by default. */
  timeZone?: string;
  /** What dates such as 03/04/2024 mean; left out: the file decides, or `data.ambiguous_dates`. */
  dateOrder?: DateOrder;
  /** What is known of the market: it may prove what stamps name, and it says when a day's bar is known. */
  market?: MarketClock;
  onNotice?: (message: string) => void;
}

/** What the reader may ask about the market of the bars. */
export interface MarketClock {
  /** What intraday stamps, as they stand in the file, must name; null where nothing proves it. */
  prove(stamps: Timestamps): BarTime | null;
  /**
   * Close of the session on a stamp's date: of the exchange's date, or of the date itself where `datesOnly`; NaN on days
   * without. `running`: the stamp stands within a later date's session, and that one's close is given.
   */
  dayClose(stamp: number, datesOnly: boolean): { close: number; running: boolean };
  /** Whether bars of this step are matched by their date. */
  byDate(step: number | null): boolean;
}

export interface BarsFile {
  /** `timestamp` is the bar's close: open stamps are already shifted. */
  bars: Bars;
  /** What the file's stamps named. */
  barTime: BarTime;
  timeZone: string;
  /** What its dates such as 03/04/2024 mean, and how that is known; null where it has none. */
  dateOrder: FoundOrder | null;
  /** The most frequent difference of neighbouring stamps in µs; null where it is not at least half of them. */
  step: number | null;
  source: { path: string; sha256: string; rows: number };
}

/** Bars from here on are matched by their date; clock changes make some days 23 hours long. */
const DAILY = 23 * MICROS_PER_HOUR;

/**
 * Reads OHLCV bars from CSV or Parquet: any column order and case, usual spellings of names and stamps.
 * Throws `data.*` with row or line, column and remedy for whatever the contract refuses, and
 * `usage.bar_time_required` for intraday bars without `barTime`.
 */
export async function readBars(path: string, options: ReadBarsOptions = {}): Promise<BarsFile> {
  const timeZone = checkTimeZone(options.timeZone ?? "UTC");
  const { raw, table, dateOrder } = await withDuckDB(async (connection) => {
    const table = await openTable(connection, path);
    const columns = findBarColumns(table);
    const place = placeInTable(table, 0);
    const collector = new BarCollector(table, columns, place, options.dateOrder);
    for await (const batch of readTable(connection, table, collector.requests)) collector.add(batch);
    const raw = collector.finish(timeZone);
    if (raw.n < 2) {
      const what = raw.n === 0 ? "there is a header but no bar." : "there is one bar only.";
      throw dataError("data.no_rows", { path: table.file.path }, what, "Give a file with more bars.");
    }
    if (columns.volume === null) options.onNotice?.(`${path} has no volume column: volume is taken as 0.`);
    checkBars(raw, columns, place);
    return { raw, table, dateOrder: collector.dateOrder };
  });
  if (dateOrder?.by === "guessed") options.onNotice?.(`${path}: ${guessedOrder(dateOrder)}`);
  const step = modalStep(raw.timestamp);
  const { market } = options;
  const byDate = market?.byDate(step) === true;
  const barTime = byDate ? (options.barTime ?? "close") : barTimeOf(raw.timestamp, options, path);
  if (!byDate && market !== undefined) refuseContradiction(raw.timestamp, barTime, market, path);
  const timestamp =
    byDate && market !== undefined
      ? dayCloses(raw.timestamp, market, (said) => options.onNotice?.(`${path}: ${said}`))
      : barTime === "open"
        ? shifted(raw.timestamp, step, path)
        : raw.timestamp;
  const bars = { ...raw, timestamp };
  const source = { path: table.file.path, sha256: await sha256File(table.file.path), rows: raw.n };
  return { bars, barTime, timeZone, dateOrder, step, source };
}

/** The moment at which each day's bar is known; of a day without a session, the end of its date. */
function dayCloses(stamps: Timestamps, market: MarketClock, notice: (said: string) => void): Timestamps {
  const datesOnly = stamps.every((stamp) => stamp % MICROS_PER_DAY === 0);
  let moved = 0;
  const closes = stamps.map((stamp) => {
    const { close, running } = market.dayClose(stamp, datesOnly);
    if (running) moved += 1;
    return Number.isNaN(close) ? (Math.floor(stamp / MICROS_PER_DAY) + 1) * MICROS_PER_DAY : close;
  });
  if (moved > 0) {
    notice(
      `${moved} of ${stamps.length} daily bars are stamped within the session of the following trading date, and taken for that date's. If they are the date's before: write dates without a time.`,
    );
  }
  return closes;
}

function refuseContradiction(stamps: Timestamps, barTime: BarTime, market: MarketClock, path: string): void {
  const proven = market.prove(stamps);
  if (proven === null || proven === barTime) return;
  throw new FoldwiseError(
    "data.bar_time_contradicted",
    `${path}: the stamps were said to name each bar's ${barTime}, but they stand at the sessions' ${proven} and never at the other end.`,
    {
      remedy: `Say --bar-time ${proven}, or correct the symbol's hours in config/symbols.yaml or --tz.`,
      details: { path, got: barTime, proven },
    },
  );
}

function barTimeOf(stamps: Timestamps, { barTime, market, onNotice }: ReadBarsOptions, path: string): BarTime {
  if (barTime !== undefined) return barTime;
  const proven = market?.prove(stamps) ?? null;
  if (proven !== null) {
    onNotice?.(`${path}: the stamps stand at the sessions' ${proven}, so they name each bar's ${proven}.`);
    return proven;
  }
  const isDaily = medianStep(stamps) >= DAILY;
  // A day's name is no moment: taken for one, it would make the bar known a day before its close.
  if (isDaily && stamps.every((stamp) => stamp % MICROS_PER_DAY === 0)) {
    onNotice?.(`${path} has dates without a time: each bar is taken as known at the end of its (UTC) day.`);
    return "open";
  }
  const what = isDaily ? "daily bars whose stamps have a time of day other than midnight" : "intraday bars";
  throw new FoldwiseError(
    "usage.bar_time_required",
    `${path} holds ${what}: whether a stamp names a bar's open or its close cannot be told from the file.`,
    {
      remedy: `Say --bar-time open (most exchanges and data vendors) or --bar-time close${isDaily ? "; if the stamps are midnights of another zone, name it with --tz" : ""}.`,
      details: { path },
    },
  );
}

function shifted(stamps: Timestamps, step: number | null, path: string): Timestamps {
  if (step !== null) return stamps.map((stamp) => stamp + step);
  throw dataError(
    "data.irregular_bars",
    { path },
    "open stamps are shifted to the close by the bars' length, but these bars have none: no difference makes up half.",
    "Use --bar-time close for tick, volume and dollar bars, stamped at their close.",
  );
}

/** Gathers batches into the columns of `Bars`, stamps as they stand in the file. */
class BarCollector {
  readonly requests: ColumnRequest[];
  private readonly collected = Array.from({ length: 5 }, () => new ColumnCollector());
  private readonly contracts: string[] = [];
  private symbol: string | null = null;
  private readonly stamps: StampColumn;

  constructor(
    private readonly table: Table,
    private readonly columns: BarColumns,
    private readonly place: PlaceOfRow,
    dateOrder: DateOrder | undefined,
  ) {
    const { open, high, low, close } = columns.prices;
    const numbers = [open, high, low, close, ...(columns.volume === null ? [] : [columns.volume])];
    for (const name of numbers) this.refuseText(name);
    const texts = [columns.timeOfDay, columns.contract, columns.symbol].filter((name) => name !== null);
    this.requests = [
      { name: columns.time, as: columns.timeOfDay === null ? "stamp" : "text" },
      ...numbers.map((name): ColumnRequest => ({ name, as: "number" })),
      ...texts.map((name): ColumnRequest => ({ name, as: "text" })),
    ];
    this.stamps = new StampColumn(columns.time, place, {
      orderFlag: true,
      mayBeDates: true,
      ...(dateOrder === undefined ? {} : { dateOrder }),
    });
  }

  /** Once all batches were added. */
  get dateOrder(): FoundOrder | null {
    return this.stamps.dateOrder();
  }

  add(batch: Batch): void {
    this.addStamps(batch);
    for (let k = 0; k < 5; k++) {
      if (k === 4 && this.columns.volume === null) this.collected[k]!.add(new Float64Array(batch.rows));
      else this.collected[k]!.add(this.numbers(batch, k + 1));
    }
    if (this.columns.contract !== null) {
      for (const text of batch.text(this.indexOf(this.columns.contract))) this.contracts.push(text ?? "");
    }
    if (this.columns.symbol !== null) this.refuseSecondSymbol(batch, this.columns.symbol);
  }

  finish(timeZone: string): Bars {
    const [open, high, low, close, volume] = this.collected.map((column) => column.whole());
    const timestamp = this.stamps.toUtc(timeZone);
    const bars = {
      n: timestamp.length,
      timestamp,
      open: open!,
      high: high!,
      low: low!,
      close: close!,
      volume: volume!,
    };
    return this.columns.contract === null ? bars : { ...bars, contract: this.contracts };
  }

  private addStamps(batch: Batch): void {
    if (this.columns.timeOfDay === null) {
      addStamps(this.stamps, batch, 0, this.table, this.columns.time, "local");
      return;
    }
    this.stamps.addTexts(batch.text(0), batch.text(this.columns.volume === null ? 5 : 6));
  }

  private indexOf(name: string): number {
    return this.requests.findLastIndex((request) => request.name === name);
  }

  private refuseSecondSymbol(batch: Batch, column: string): void {
    for (const [i, symbol] of batch.text(this.indexOf(column)).entries()) {
      this.symbol ??= symbol;
      if (symbol === this.symbol) continue;
      throw dataError(
        "data.several_symbols",
        this.place(batch.start + i, column, symbol),
        `the file holds ${this.symbol} and ${symbol}; a dataset is one symbol's.`,
        `Split it first, a file a symbol: duckdb -c "COPY (FROM '${this.table.file.path}' WHERE ${column} = '${this.symbol}') TO '${this.symbol}.csv'".`,
      );
    }
  }

  private numbers(batch: Batch, k: number): Float32Array | Float64Array {
    return readerOf(this.table, this.requests[k]!) === "float32" ? batch.float32(k) : batch.float64(k);
  }

  private refuseText(name: string): void {
    const column = this.table.columns.find((candidate) => candidate.name === name)!;
    if (!["float", "number", "integer", "unknown"].includes(column.kind)) {
      throw dataError(
        "data.not_a_number",
        { path: this.table.file.path, column: name },
        `a column of numbers is needed, this one holds ${column.type}.`,
        "Convert it to numbers.",
      );
    }
  }
}
