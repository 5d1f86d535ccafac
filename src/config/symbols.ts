import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readRegular } from "../files/index.js";
import { type Costs, didYouMean, FoldwiseError, type SessionTemplate } from "../types/index.js";
import { jsonSchema } from "./allowed.js";
import { configFolders } from "./configFile.js";
import { displayPath } from "./displayPath.js";
import { loadYaml } from "./loadYaml.js";
import type { Tree } from "./tree.js";
import { unreadable } from "./yaml/read.js";

/** A century of holidays is a hundredth of it. */
const MAX_CALENDAR_BYTES = 1 << 20;

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "a date such as 2024-12-25");
const time = z.string().regex(/^\d{1,2}:\d{2}(-1)?$/, "a time such as 09:30, 24:00 or 17:00-1");

const hoursSchema = z.strictObject({
  from: date.optional().describe("First trading date on which these hours hold; left out: always."),
  open: time.describe("On the exchange's clock; 17:00-1 is the evening before the trading date."),
  close: time.describe("24:00 is the midnight that ends the day."),
  breaks: z.array(z.string()).default([]).describe("Pauses inside the session, such as 15:15-15:30."),
});

const sessionSchema = z.strictObject({
  time_zone: z.string().describe("IANA name, such as America/Chicago."),
  days: z
    .array(z.int().min(1).max(7))
    .min(1)
    .default([1, 2, 3, 4, 5])
    .describe("Trading days of the week, Monday = 1."),
  hours: z.array(hoursSchema).min(1).describe("Hours of a trading day; several where they changed, by date."),
  calendar: z.string().optional().describe("A table of config/calendars/: holidays, late opens, early closes."),
  closed: z.array(date).default([]).describe("Further days without a session."),
  early_close: z.record(date, time).default({}).describe("Further days that end early, with the time."),
});

const symbolSchema = z.strictObject({
  title: z.string().optional(),
  sessions: z.string().optional().describe("A name under sessions:; left out: the hours are not known."),
  tick_size: z.number().positive().optional().describe("Smallest change of the price."),
  tick_value: z.number().positive().optional().describe("Worth of one tick of one contract or share."),
  commission: z.number().min(0).default(0).describe("Of one contract or share, a side."),
  slippage_ticks: z.number().min(0).default(1).describe("Ticks lost to the spread, a side."),
});

/** `config/symbols.yaml`. */
export const symbolsFileSchema = z.strictObject({
  sessions: z.record(z.string(), sessionSchema).default({}).describe("When markets trade, by name."),
  symbols: z.record(z.string(), symbolSchema).default({}).describe("What is known of each symbol."),
});

/** `docs/schemas/symbols.schema.json`. */
export function symbolsJsonSchema(): Tree {
  return { title: "Foldwise: config/symbols.yaml", ...jsonSchema(symbolsFileSchema) };
}

/** What configuration knows of a symbol's market. */
export interface SymbolMarket {
  /** Null: its hours are not known. */
  sessions: SessionTemplate | null;
  costs: Costs | null;
  /** Whether the symbol is listed; otherwise `generic` was taken. */
  listed: boolean;
}

/**
 * The entry of a symbol: the person's own `config/symbols.yaml` over the shipped one, name by name; `generic` where it is listed
 * nowhere.
 *
 * @throws FoldwiseError `config.*` with file, line and column.
 */
export function symbolMarket(symbol: string, cwd: string): SymbolMarket {
  const { packaged, user } = configFolders(cwd);
  const folders = [packaged, ...(user === null ? [] : [user])];
  const files = folders
    .map((folder) => join(folder, "symbols.yaml"))
    .filter(existsSync)
    .map((path) => loadYaml(path, symbolsFileSchema, displayPath(path, cwd)).value);
  const symbols = Object.assign({}, ...files.map((file) => file.symbols)) as z.output<
    typeof symbolsFileSchema
  >["symbols"];
  const sessions = Object.assign({}, ...files.map((file) => file.sessions)) as z.output<
    typeof symbolsFileSchema
  >["sessions"];
  const listed = Object.hasOwn(symbols, symbol);
  const entry = listed ? symbols[symbol] : symbols.generic;
  const { tick_size: tickSize, tick_value: tickValue } = entry ?? {};
  return {
    listed,
    sessions: entry?.sessions === undefined ? null : template(entry.sessions, sessions, folders),
    costs:
      entry === undefined || tickSize === undefined || tickValue === undefined
        ? null
        : { tickSize, tickValue, commission: entry.commission, slippageTicks: entry.slippage_ticks },
  };
}

function template(
  id: string,
  sessions: z.output<typeof symbolsFileSchema>["sessions"],
  folders: readonly string[],
): SessionTemplate {
  const found = sessions[id];
  if (found === undefined) throw unknown("sessions", id, Object.keys(sessions));
  const { time_zone: timeZone, days, hours, calendar, closed, early_close: early } = found;
  return {
    id,
    timeZone,
    days,
    hours: hours.map(({ from, ...rest }) => ({ from: from ?? null, ...rest })),
    exceptions: [
      ...(calendar === undefined ? [] : readCalendar(calendar, folders)),
      ...closed.map((day) => `${day} closed`),
      ...Object.entries(early).map(([day, at]) => `${day} close ${at}`),
    ],
    known: true,
  };
}

/** Lines of `config/calendars/{name}.csv` as exceptions of a template. */
function readCalendar(name: string, folders: readonly string[]): string[] {
  const tables = folders.flatMap((folder) => {
    const calendars = join(folder, "calendars");
    if (!existsSync(calendars)) return [];
    return readdirSync(calendars).flatMap((file) =>
      file.endsWith(".csv") ? [[file.slice(0, -4), join(calendars, file)] as const] : [],
    );
  });
  // Looked up among the files that are there, so the name never makes a path.
  const path = tables.findLast(([table]) => table === name)?.[1];
  if (path === undefined) throw unknown("calendar", name, [...new Set(tables.map(([table]) => table))]);
  return readCalendarFile(path)
    .split(/\r?\n/)
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("date,"))
    .map((line) =>
      line
        .split(",")
        .filter((field) => field !== "")
        .join(" "),
    );
}

function readCalendarFile(path: string): string {
  try {
    return readRegular(path, MAX_CALENDAR_BYTES);
  } catch (cause) {
    throw unreadable(path, cause, "Put a CSV file of dates there, or remove it.");
  }
}

function unknown(what: string, got: string, known: readonly string[]): FoldwiseError {
  return new FoldwiseError(
    "config.unknown_sessions",
    `symbols.yaml: there is no ${what} named "${got}"${didYouMean(got, known)}`,
    {
      remedy: `Known are: ${known.join(", ")}.`,
      details: { got, known },
    },
  );
}
