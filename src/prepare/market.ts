import {
  type BarsFile,
  formatStamp,
  type MarketClock,
  type ReadBarsOptions,
  type RollRow,
  readBars,
  readRolls,
} from "../data/index.js";
import {
  type AdjustedBars,
  adjustBars,
  after,
  Calendar,
  isDaily,
  provenBarTime,
  rollsOfContracts,
  spliced,
} from "../market/index.js";
import {
  type Adjust,
  type Bars,
  type BarTime,
  type DateOrder,
  FoldwiseError,
  MICROS_PER_DAY,
  type OutsideSession,
  type Roll,
  type SessionTemplate,
} from "../types/index.js";

/** More of the bars than this outside of every session: the hours cannot be the symbol's. */
const MOST_OUTSIDE = 0.5;

/** How a market's bars are read: a part of every pipeline. */
export interface MarketRules {
  sessions: SessionTemplate;
  outsideSession: OutsideSession;
  adjust: Adjust;
}

export interface MarketBarsOptions {
  barTime?: BarTime;
  timeZone?: string;
  /** What dates such as 03/04/2024 mean; left out: the file decides. */
  dateOrder?: DateOrder;
  /** File of rolls; the bars' own `contract` column where absent. */
  rolls?: string;
  /** Rolls of the bars that a pipeline was made from: a stream that begins later goes on from their level. */
  earlier?: readonly Roll[];
  onNotice?: (message: string) => void;
}

/** A file of bars as its market explains it: bars of sessions only (or counted), contracts joined. */
export interface MarketBars {
  file: BarsFile;
  sessions: SessionTemplate;
  calendar: Calendar;
  /** As they were quoted. */
  bars: Bars;
  /** What features and labels are made from. */
  adjusted: AdjustedBars;
  rolls: Roll[];
  /** Listed rolls before the first bar or after the last. */
  beyond: number;
  /** First rows of contracts that are not adjusted. */
  unadjusted: number[];
  /** Bars outside of every session, kept or dropped. */
  outside: number;
}

/**
 * Reads bars by the market's rules; the same for `prepare` and `predict --bars`.
 *
 * @throws FoldwiseError what reading throws, `data.outside_sessions`, `data.contract_returns`, `data.roll_without_bar`,
 * `data.unknown_contract`, `data.adjusted_below_zero`.
 */
export async function readMarketBars(
  path: string,
  rules: MarketRules,
  options: MarketBarsOptions = {},
): Promise<MarketBars> {
  const calendar = new Calendar(rules.sessions);
  const { rolls: rollsFile, earlier = [], ...reading } = options;
  const file = await readBars(path, { ...definedOnly(reading), market: clockOf(calendar) });
  const { bars, outside } = withoutOutside(file.bars, calendar, rules.outsideSession, path);
  const place = (row: number): string => `${path}, ${formatStamp(bars.timestamp[row]!)}`;
  const { rows, rolls, first, beyond } =
    rollsFile === undefined
      ? { ...rollsOfContracts(bars, place), first: bars.contract?.[0] ?? null, beyond: 0 }
      : rollsOfFile(
          bars,
          await readRolls(rollsFile, file.timeZone, file.dateOrder?.order ?? options.dateOrder),
          calendar,
        );
  const start = rules.adjust === "difference" ? levelOf(first, earlier, rules.adjust) : undefined;
  const adjusted = adjustBars(bars, rows, rolls, rules.adjust, start);
  return {
    file,
    sessions: rules.sessions,
    calendar,
    bars,
    adjusted,
    rolls,
    beyond,
    unadjusted: rules.adjust === "none" ? rows : [],
    outside,
  };
}

function definedOnly({ barTime, timeZone, dateOrder, onNotice }: MarketBarsOptions): ReadBarsOptions {
  return {
    ...(barTime === undefined ? {} : { barTime }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(onNotice === undefined ? {} : { onNotice }),
  };
}

function clockOf(calendar: Calendar): MarketClock {
  return {
    prove: (stamps) => provenBarTime(stamps, calendar),
    byDate: (step) => calendar.known && step !== null && isDaily(step),
    dayClose: (stamp, datesOnly) => {
      const onDate = datesOnly ? calendar.session(Math.floor(stamp / MICROS_PER_DAY)) : calendar.sessionOnDateOf(stamp);
      // Futures' sessions begin on the evening before, and another zone's midnight may lie in one: whatever such a stamp
      // names, its bar is not known at the close of the day before.
      const next = datesOnly ? null : calendar.sessionOf(stamp + 1);
      if (next !== null && stamp >= next.open && (onDate === null || next.day > onDate.day)) {
        return { close: next.close, running: true };
      }
      return { close: onDate?.close ?? Number.NaN, running: false };
    },
  };
}

function withoutOutside(
  bars: Bars,
  calendar: Calendar,
  rule: OutsideSession,
  path: string,
): { bars: Bars; outside: number } {
  if (!calendar.known) return { bars, outside: 0 };
  const inside: number[] = [];
  for (let i = 0; i < bars.n; i++) if (calendar.trades(bars.timestamp[i]!)) inside.push(i);
  const outside = bars.n - inside.length;
  if (outside > MOST_OUTSIDE * bars.n) {
    throw new FoldwiseError(
      "data.outside_sessions",
      `${path}: ${outside} of ${bars.n} bars lie outside the sessions of ${calendar.id} (${calendar.timeZone}).`,
      {
        remedy: "Check --tz, --bar-time and --symbol, or describe the symbol's hours in config/symbols.yaml.",
        details: { path, outside, bars: bars.n, sessions: calendar.id },
      },
    );
  }
  return outside === 0 || rule === "keep" ? { bars, outside } : { bars: pick(bars, inside), outside };
}

function pick(bars: Bars, rows: readonly number[]): Bars {
  const column = (values: Float64Array): Float64Array => Float64Array.from(rows, (row) => values[row]!);
  return {
    n: rows.length,
    timestamp: column(bars.timestamp),
    open: column(bars.open),
    high: column(bars.high),
    low: column(bars.low),
    close: column(bars.close),
    volume: column(bars.volume),
    ...(bars.contract === undefined ? {} : { contract: rows.map((row) => bars.contract![row]!) }),
  };
}

interface Rolls {
  /** First rows of the new contracts. */
  rows: number[];
  rolls: Roll[];
  /** The first bar's contract; null where it is not known. */
  first: string | null;
  beyond: number;
}

/** Rolls of a file, as far as the bars reach. */
function rollsOfFile(bars: Bars, listed: readonly RollRow[], calendar: Calendar): Rolls {
  const rows: number[] = [];
  const rolls: Roll[] = [];
  let first: string | null = null;
  const names = new Set<string>();
  for (const [i, { micros, isDate, contract, oldPrice, newPrice, place }] of listed.entries()) {
    if (names.has(contract) || (i > 0 && micros <= listed[i - 1]!.micros)) {
      throw new FoldwiseError("data.contract_returns", `${place}: contract "${contract}" goes back in time.`, {
        remedy: "List each contract once, oldest first.",
        details: { contract },
      });
    }
    names.add(contract);
    const row = bars.timestamp.findIndex((close) =>
      isDate ? dayOf(calendar, close) * MICROS_PER_DAY >= micros : close > micros,
    );
    if (row === 0) first = contract;
    if (row <= 0) continue;
    const onTheDay = isDate
      ? dayOf(calendar, bars.timestamp[row]!) * MICROS_PER_DAY === micros
      : dayOf(calendar, bars.timestamp[row]!) === dayOf(calendar, micros + 1);
    if (!onTheDay) {
      const day = formatStamp(micros).replace("T00:00:00Z", "");
      throw new FoldwiseError(
        "data.roll_without_bar",
        `${place}: there is no bar on ${day}, when "${contract}" begins.`,
        {
          remedy: `Correct the date: the next bar closes at ${formatStamp(bars.timestamp[row]!)}.`,
          details: { contract, micros },
        },
      );
    }
    const roll = spliced(bars, row, rolls.at(-1)?.to ?? first ?? "", contract);
    rows.push(row);
    rolls.push(oldPrice === null || newPrice === null ? roll : { ...roll, oldPrice, newPrice, prices: "given" });
  }
  return { rows, rolls, first, beyond: listed.length - rolls.length };
}

const dayOf = (calendar: Calendar, close: number): number => calendar.sessionOf(close).day;

/** By what the contract of a stream's first bar is moved already. Differences need it: they are no matter of scale. */
function levelOf(
  first: string | null,
  earlier: readonly Roll[],
  adjust: Adjust,
): { factor: number; shift: number } | undefined {
  if (earlier.length === 0) return undefined;
  let level = { factor: 1, shift: 0 };
  if (first === null || first === earlier[0]!.from) return level;
  for (const roll of earlier) {
    level = after(level, roll, adjust);
    if (roll.to === first) return level;
  }
  throw new FoldwiseError(
    "data.unknown_contract",
    `The bars begin with contract "${first}", which the model's bars did not have.`,
    {
      remedy: `Give bars that begin with ${[earlier[0]!.from, ...earlier.map(({ to }) => to)].join(", ")}, so that later contracts can be joined to them.`,
      details: { first },
    },
  );
}
