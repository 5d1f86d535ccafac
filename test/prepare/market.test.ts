/** Sessions and contracts from the file of bars to the dataset: real hours, the real reader, no part replaced. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { symbolMarket } from "../../src/config/index.js";
import { openStored } from "../../src/data/index.js";
import { packageRoot } from "../../src/files/index.js";
import { Calendar } from "../../src/market/index.js";
import {
  formatSummary,
  type PrepareOptions,
  prepareConfigSchema,
  prepareDataset,
  rowsFromBarsFile,
} from "../../src/prepare/index.js";
import { readMarketBars } from "../../src/prepare/market.js";
import { type Adjust, MICROS_PER_MINUTE, NO_LABEL, type StoredDataset, seededRandom } from "../../src/types/index.js";
import { temporaryFolder } from "../data/helpers.js";

const STEP = 30 * MICROS_PER_MINUTE;
const nyse = symbolMarket("AAPL", packageRoot());
const calendar = new Calendar(nyse.sessions!);
const dayOf = (date: string): number => Date.parse(`${date}T00:00Z`) / 86_400_000;
const iso = (micros: number): string => new Date(micros / 1000).toISOString();

interface Line {
  close: number;
  prices: [number, number, number, number];
  contract: string;
}

/** Half-hour bars of every session between two dates; a random walk, with a step of 7 % at the roll. */
function sessionBars(from: string, to: string, rollDate = "9999-01-01", seed = 3): Line[] {
  const random = seededRandom(seed);
  const lines: Line[] = [];
  let price = 200;
  for (let day = dayOf(from); day <= dayOf(to); day++) {
    const session = calendar.session(day);
    if (session === null) continue;
    const rolled = day >= (Number.isNaN(dayOf(rollDate)) ? Number.POSITIVE_INFINITY : dayOf(rollDate));
    for (let close = session.open + STEP; close <= session.close; close += STEP) {
      const open = price;
      price *= Math.exp(0.004 * (random.next() - 0.5));
      const level = rolled ? 1.07 : 1;
      const [high, low] = [Math.max(open, price) * 1.0005, Math.min(open, price) * 0.9995];
      lines.push({
        close,
        prices: [open * level, high * level, low * level, price * level],
        contract: rolled ? "M4" : "H4",
      });
    }
  }
  return lines;
}

function write(path: string, lines: readonly Line[], barTime: "open" | "close" = "close", contract = true): string {
  mkdirSync(join(path, ".."), { recursive: true });
  const rows = lines.map(({ close, prices, contract: name }) =>
    [iso(barTime === "open" ? close - STEP : close), ...prices, 100, ...(contract ? [name] : [])].join(","),
  );
  writeFileSync(
    path,
    [`timestamp,open,high,low,close,volume${contract ? ",contract" : ""}`, ...rows].join("\n").concat("\n"),
  );
  return path;
}

async function prepared(
  lines: readonly Line[],
  config: object = {},
  extra: Partial<PrepareOptions> & { as?: "open" | "close"; contract?: boolean } = {},
): Promise<{ dataset: StoredDataset; summary: Awaited<ReturnType<typeof prepareDataset>>; input: string }> {
  const { as = "close", contract = true, ...options } = extra;
  const out = temporaryFolder();
  const input = write(join(out, "bars.csv"), lines, as, contract);
  const summary = await prepareDataset({
    input,
    symbol: "TEST",
    config: prepareConfigSchema.parse({ horizons: [4], ...config }),
    market: nyse,
    out,
    layouts: ["series"],
    ...options,
  });
  const dataset = await openStored({ symbol: "TEST", data: join(out, "datasets"), store: join(out, "store") });
  return { dataset, summary, input };
}

const everyRow = (dataset: StoredDataset): Promise<Float32Array> =>
  dataset.readRows(Int32Array.from({ length: dataset.manifest.rows }, (_, i) => i));

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe("bars of a market with hours", () => {
  const lines = sessionBars("2023-06-01", "2024-06-28");

  it("give the same features stamped at the open and at the close, and need not say which", async () => {
    const [atClose, atOpen] = [await prepared(lines), await prepared(lines, {}, { as: "open" })];
    expect([atClose.summary.barTime, atOpen.summary.barTime]).toEqual(["close", "open"]);
    expect(atOpen.dataset.manifest.features).toEqual(atClose.dataset.manifest.features);
    expect(atOpen.dataset.manifest.features.filter((name) => name.startsWith("4h_")).length).toBeGreaterThan(5);
    expect([...atOpen.dataset.timestamps()]).toEqual([...atClose.dataset.timestamps()]);
    expect(largestDifference(await everyRow(atOpen.dataset), await everyRow(atClose.dataset))).toBe(0);
  });

  it("are one piece over nights, weekends, holidays and clock changes", async () => {
    const { summary } = await prepared(lines);
    expect(summary.gaps).toMatchObject({ pieces: 1, breaks: 0, bridged: { holes: 0, bars: 0 } });
    expect(summary.outside.bars).toBe(0);
  });

  it("contradict a bar time that is wrong", async () => {
    await expect(prepared(lines, {}, { barTime: "open" })).rejects.toMatchObject({
      code: "data.bar_time_contradicted",
    });
  });

  it("outside of every session are dropped and counted, or kept", async () => {
    const evening = lines.flatMap((line) =>
      calendar.sessionOf(line.close).close === line.close ? [line, { ...line, close: line.close + STEP }] : [line],
    );
    const days = new Set(lines.map(({ close }) => calendar.sessionOf(close).day)).size;
    const dropped = await prepared(evening, {}, { barTime: "close" });
    expect(dropped.summary.outside).toEqual({ bars: days, rule: "drop" });
    expect(dropped.summary.rows.bars).toBe(lines.length);
    const kept = await prepared(evening, { outside_session: "keep" }, { barTime: "close" });
    expect(kept.summary.rows.bars).toBe(lines.length + days);
    expect(kept.summary.gaps.pieces).toBe(1);
  });

  it("mostly outside are refused", async () => {
    const shifted = lines.map((line) => ({ ...line, close: line.close + 10 * 60 * MICROS_PER_MINUTE }));
    await expect(prepared(shifted, {}, { barTime: "close" })).rejects.toMatchObject({ code: "data.outside_sessions" });
  });

  it("have labels that end with the session, or none that reach beyond it", async () => {
    const truncated = (await prepared(lines, { label: { session: "truncate" } })).dataset;
    const dropped = (await prepared(lines, { label: { session: "drop" } })).dataset;
    const [stamps, ends] = [truncated.timestamps(), truncated.labelEnds(4)];
    let late = 0;
    for (let t = 0; t < stamps.length - 20; t++) {
      const { close } = calendar.sessionOf(stamps[t]!);
      const left = (close - stamps[t]!) / STEP;
      expect(truncated.labels(4)[t] === NO_LABEL).toBe(left < 1);
      expect(dropped.labels(4)[t] === NO_LABEL).toBe(left < 4);
      if (left < 1) continue;
      expect(ends[t]!).toBeLessThanOrEqual(close);
      if (left < 4) late++;
    }
    expect(late).toBeGreaterThan(200);
  });
});

describe("daily bars", () => {
  it("are known at their session's close, by their date, whatever time they are stamped with", async () => {
    const out = temporaryFolder();
    const days = Array.from({ length: 1200 }, (_, i) => dayOf("2019-01-02") + i).filter((day) => calendar.session(day));
    const bars = (hour: string) =>
      write(
        join(out, `d${hour.slice(0, 2)}.csv`),
        days.map((day, i) => {
          const price = 100 + Math.sin(i / 9) + i / 50;
          const moment = Date.parse(`${new Date(day * 86_400_000).toISOString().slice(0, 10)}T${hour}Z`) * 1000;
          return { close: moment, prices: [price, price + 1, price - 1, price + 0.5], contract: "" };
        }),
        "close",
        false,
      );
    const read = async (input: string) => {
      const folder = temporaryFolder();
      const config = prepareConfigSchema.parse({ horizons: [4] });
      await prepareDataset({ input, symbol: "D", config, market: nyse, out: folder, layouts: ["series"] });
      return (await openStored({ symbol: "D", data: join(folder, "datasets"), store: join(folder, "s") })).timestamps();
    };
    const [dates, evenings] = [await read(bars("00:00:00")), await read(bars("21:00:00"))];
    expect([...dates]).toEqual([...evenings]);
    // Midnight in Tokyo is the morning of the day before in New York.
    const tokyo = join(out, "tokyo.csv");
    writeFileSync(tokyo, readFileSync(bars("00:00:00"), "utf8").replaceAll("00:00:00.000Z", "00:00:00+09:00"));
    expect([...(await read(tokyo))]).toEqual([...dates]);
    expect(dates.every((stamp) => calendar.sessionOf(stamp).close === stamp)).toBe(true);
    const hours = new Set(Array.from(dates, (stamp) => new Date(stamp / 1000).getUTCHours()));
    expect(hours).toEqual(new Set([17, 18, 20, 21]));
  });
});

describe("daily bars of futures", () => {
  it.each([
    ["New York's midnight in UTC", "T05:00Z", 0],
    ["the session's open, the evening before", "T23:00Z", -1],
    ["the session's close", "T22:00Z", 0],
  ])("stamped with %s are known at the close of their trading date, never a day before", async (_, hour, shift) => {
    const globex = symbolMarket("MES", packageRoot());
    const hours = new Calendar(globex.sessions!);
    // Winter only: all of these hours are an hour earlier in summer.
    const days = Array.from({ length: 120 }, (_, i) => dayOf("2023-11-06") + i).filter((day) => hours.session(day));
    const input = write(
      join(temporaryFolder(), "daily.csv"),
      days.map((day, i) => {
        const price = 4000 + Math.sin(i / 9) + i / 50;
        const date = new Date((day + shift) * 86_400_000).toISOString().slice(0, 10);
        return {
          close: Date.parse(`${date}${hour}`) * 1000,
          prices: [price, price + 1, price - 1, price + 0.5],
          contract: "",
        };
      }),
      "close",
      false,
    );
    const rules = { sessions: globex.sessions!, outsideSession: "keep", adjust: "none" } as const;
    const { bars } = await readMarketBars(input, rules);
    expect([...bars.timestamp]).toEqual(days.map((day) => hours.session(day)!.close));
  });
});

describe("contracts", () => {
  const roll = "2024-03-14";
  const lines = sessionBars("2023-06-01", "2024-06-28", roll);
  const modes: Adjust[] = ["ratio", "difference", "none"];

  it.each(modes)(
    "joined by %s: bars after a moment change no feature before it, a roll among them too",
    async (adjust) => {
      // The roll lies in the part that is cut off; and, once more, close behind the cut.
      const whole = await prepared(lines, { adjust });
      const cut = lines.findIndex(({ contract }) => contract === "M4") - 1;
      const names = whole.dataset.manifest.features;
      const before = await rowsFromBarsFile(
        { ...whole.dataset.manifest.pipeline! },
        write(join(temporaryFolder(), "cut.csv"), lines.slice(0, cut)),
      );
      expect(before.featureNames).toEqual(names);
      const same = (await everyRow(whole.dataset)).subarray(0, before.X.length);
      expect(largestDifference(before.X, same)).toBe(0);
    },
  );

  it.each(["ratio", "difference"] as const)("joined by %s have no jump at the roll, and one piece", async (adjust) => {
    const { dataset, summary } = await prepared(lines, { adjust });
    expect(summary.gaps).toMatchObject({ pieces: 1, rolls: 0 });
    expect(summary.rolls.list).toMatchObject([{ from: "H4", to: "M4", prices: "spliced" }]);
    const column = dataset.manifest.features.indexOf("log_return_1");
    const width = dataset.manifest.features.length;
    const returns = (await everyRow(dataset)).filter((_, i) => i % width === column);
    expect(Math.max(...returns.map(Math.abs))).toBeLessThan(0.01);
    // What was quoted stands in the dataset; returns are those of a rolled position.
    expect(Math.max(...dataset.entryPrice()!.filter(Number.isFinite))).toBeGreaterThan(
      1.05 * Math.max(...lines.filter(({ contract }) => contract === "H4").map(({ prices }) => prices[0])) * 0.9,
    );
    expect(Math.max(...dataset.returns(4)!.filter(Number.isFinite).map(Math.abs))).toBeLessThan(0.02);
  });

  it("not joined are pieces of their own, and no label crosses", async () => {
    const { dataset, summary, input } = await prepared(lines, { adjust: "none" });
    expect(summary.gaps).toMatchObject({ pieces: 2, rolls: 1 });
    // Windows of raw bars must not cross what those of the dataset do not.
    expect((await rowsFromBarsFile(dataset.manifest.pipeline!, input)).piece).toEqual(dataset.piece());
    const first = calendar.session(dayOf(roll))!.open;
    const [stamps, ends] = [dataset.timestamps(), dataset.labelEnds(4)];
    for (let t = 0; t < stamps.length; t++) if (stamps[t]! < first && ends[t]! > first) throw new Error(`row ${t}`);
  });

  it.each(["ratio", "difference"] as const)(
    "joined by %s: a stream that begins with the second contract gives what the batch gives",
    async (adjust) => {
      const { dataset } = await prepared(lines, { adjust, features: { timeframes: ["1h"] } });
      const pipeline = dataset.manifest.pipeline!;
      const from = lines.findIndex(({ contract }) => contract === "M4");
      const later = await rowsFromBarsFile(pipeline, write(join(temporaryFolder(), "later.csv"), lines.slice(from)));
      const all = await everyRow(dataset);
      const off = largestDifference(later.X, all.subarray(all.length - later.X.length));
      expect(off).toBeLessThan(1e-5);
    },
  );

  it("come from a file of rolls as from a column, with prices at one moment", async () => {
    const rolls = join(temporaryFolder(), "rolls.csv");
    writeFileSync(rolls, `date,contract\n2023-01-05,H4\n${roll},M4\n`);
    const [byColumn, byFile] = [await prepared(lines), await prepared(lines, {}, { rolls, contract: false })];
    expect(byFile.summary.rolls.list).toEqual(byColumn.summary.rolls.list);
    expect(largestDifference(await everyRow(byFile.dataset), await everyRow(byColumn.dataset))).toBe(0);
    writeFileSync(rolls, `date,contract,old_price,new_price\n${roll},M4,200,214\n`);
    const given = await prepared(lines, {}, { rolls, contract: false });
    expect(given.summary.rolls.list).toMatchObject([{ oldPrice: 200, newPrice: 214, prices: "given" }]);
  });

  it("of a file that lie before or after all bars are counted and said", async () => {
    const rolls = join(temporaryFolder(), "rolls.csv");
    writeFileSync(rolls, `date,contract\n2023-01-05,H4\n${roll},M4\n2042-06-14,U4\n`);
    const { summary } = await prepared(lines, {}, { rolls, contract: false });
    expect([summary.rolls.list.length, summary.rolls.beyond]).toEqual([1, 2]);
    expect(formatSummary(summary)).toMatch(/Rolls .*1 changes of contract, .*; 2 listed before or after all bars/);
    writeFileSync(rolls, "date,contract\n2042-03-14,M4\n");
    const none = await prepared(lines, {}, { rolls, contract: false });
    expect(formatSummary(none.summary)).toMatch(/Rolls +1 listed before or after all bars\n/);
  });

  it.each([
    ["a day without a bar", "date,contract\n2024-03-16,M4\n", "data.roll_without_bar"],
    ["a contract twice", "date,contract\n2024-03-14,M4\n2024-03-20,M4\n", "data.contract_returns"],
    ["dates out of order", "date,contract\n2024-03-20,M4\n2024-03-14,U4\n", "data.contract_returns"],
    ["prices of nothing", "date,contract,old_price,new_price\n2024-03-14,M4,0,5\n", "data.bad_roll"],
    ["one price alone", "date,contract,old_price\n2024-03-14,M4,200\n", "data.missing_column"],
    ["no roll", "date,contract\n", "data.no_rows"],
    ["a contract without a name", "date,contract\n2024-03-14,\n", "data.bad_roll"],
    ["no contract column", "date,what\n2024-03-14,M4\n", "data.missing_column"],
  ])("in a file with %s are refused", async (_, text, code) => {
    const rolls = join(temporaryFolder(), "rolls.csv");
    writeFileSync(rolls, text);
    await expect(prepared(lines, {}, { rolls, contract: false })).rejects.toMatchObject({ code });
  });

  it("that begin with one that the model's bars did not have cannot be joined by difference", async () => {
    const { dataset } = await prepared(lines, { adjust: "difference" });
    const foreign = lines.map((line) => ({ ...line, contract: "Z9" }));
    const rows = rowsFromBarsFile(dataset.manifest.pipeline!, write(join(temporaryFolder(), "z.csv"), foreign));
    await expect(rows).rejects.toMatchObject({ code: "data.unknown_contract" });
  });
});
