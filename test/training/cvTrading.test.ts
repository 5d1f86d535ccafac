/** What the answers of a cross-validation are traded on, by what a dataset has. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DatasetToWrite, openStored, writeDataset } from "../../src/data/index.js";
import { tradingOf } from "../../src/training/cv/trading.js";
import type { Costs, StoredDataset } from "../../src/types/index.js";
import { bigDataset, PIPELINE } from "../data/datasets.js";
import { temporaryFolder } from "../data/helpers.js";

const COSTS: Costs = { tickSize: 0.25, tickValue: 1.25, commission: 0.62, slippageTicks: 1 };
const NO_MARKET = { sessions: null, costs: null, listed: false };
/** Two days and a bit, a minute a row. */
const ROWS = 3000;

async function stored(change: (dataset: DatasetToWrite) => Partial<DatasetToWrite>): Promise<StoredDataset> {
  const out = temporaryFolder();
  const dataset = bigDataset({ rows: ROWS, features: 1 });
  const horizons = dataset.horizons.map((horizon) => ({ ...horizon, r: new Float32Array(ROWS).fill(0.01) }));
  const whole = { ...dataset, horizons };
  await writeDataset({ ...whole, ...change(whole) }, { out, layouts: ["series"] });
  return openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
}
const withCosts = ({ pipeline }: DatasetToWrite) => ({ pipeline: { ...pipeline!, costs: COSTS } });
/** A dataset of the user's own, which lacks what `prepare` writes. */
const changed = (dataset: StoredDataset, change: Partial<StoredDataset>): StoredDataset =>
  Object.assign(Object.create(dataset) as StoredDataset, change);
const rows = Int32Array.from({ length: 2900 }, (_, i) => i);
const cell = { symbol: "TOY", horizon: 5 };

describe("the answers of a cross-validation are traded", () => {
  it("net where the symbol's costs and the prices are known, over the sessions of its calendar", async () => {
    const trading = tradingOf(await stored(withCosts), cell, rows, NO_MARKET);
    if ("reason" in trading) throw new Error(trading.reason);
    expect(trading.costs?.[0]).toBeCloseTo(3.74 / 500, 12);
    // 1.6e15 µs is 12:26:40 on 2020-09-13; hours are not known, so a session is a UTC day.
    expect(trading.dates).toEqual(["2020-09-13", "2020-09-14", "2020-09-15"]);
    expect([trading.sessions.count, trading.sessions.perYear, trading.calendar]).toEqual([3, 365, null]);
    expect([trading.sessions.entry[692], trading.sessions.exit[692]]).toEqual([0, 1]);
    expect([trading.sessions.entry[693], trading.sessions.exit[688]]).toEqual([0, 0]);
  });

  it("gross without the column of prices", async () => {
    const priceless = changed(await stored(withCosts), { entryPrice: () => null });
    expect(tradingOf(priceless, cell, rows, NO_MARKET)).toMatchObject({
      costs: null,
      grossBecause: expect.stringMatching(/no entry_price/),
    });
  });

  it.each([
    ["the costs of the symbol", () => ({}), /costs of TOY are not known/],
    [
      "any price",
      (dataset: DatasetToWrite) => ({ ...withCosts(dataset), entryPrice: new Float64Array(ROWS).fill(Number.NaN) }),
      /entry_price is missing on all tested rows/,
    ],
  ])("gross, and it is said why, without %s", async (_, change, why) => {
    const trading = tradingOf(await stored(change), cell, rows, NO_MARKET);
    expect(trading).toMatchObject({ costs: null, symbolCosts: null, grossBecause: expect.stringMatching(why) });
  });

  it("by what config/symbols.yaml says of the symbol, where the dataset says nothing", async () => {
    const sessions = { ...PIPELINE.sessions, id: "mine", known: true, days: [1] };
    const dataset = await stored(() => ({}));
    const bare = changed(dataset, { manifest: { ...dataset.manifest, pipeline: null } });
    const trading = tradingOf(bare, cell, rows, { sessions, costs: COSTS, listed: true });
    expect(trading).toMatchObject({ symbolCosts: COSTS, calendar: "mine", dates: ["2020-09-14", "2020-09-21"] });
  });

  it("not without returns, and it is said why", async () => {
    const bare = await stored(({ horizons }) => ({ horizons: horizons.map(({ r: _, ...rest }) => rest) }));
    expect(tradingOf(bare, cell, rows, NO_MARKET)).toEqual({ reason: "The dataset has no return_h5." });
    const empty = await stored(({ horizons }) => ({
      horizons: horizons.map((horizon) => ({ ...horizon, r: new Float32Array(ROWS).fill(Number.NaN) })),
    }));
    expect(tradingOf(empty, cell, rows, NO_MARKET)).toEqual({ reason: "return_h5 is missing on all tested rows." });
  });
});
