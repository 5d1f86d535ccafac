/** Settings of labels and weights reach the dataset: what `prepare` stores is what the labels' own functions give for the bars. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStored } from "../../src/data/index.js";
import { averageUniqueness, tripleBarrier, wilderAtr } from "../../src/labels/index.js";
import { prepareConfigSchema, prepareDataset } from "../../src/prepare/index.js";
import { NO_LABEL, type StoredDataset } from "../../src/types/index.js";
import { randomBars } from "../labels/random-bars.js";
import { temporaryFolder, writeBars } from "./bars-file.js";

const HORIZON = 10;
const bars = randomBars(1500, 31);

async function prepared(settings: object): Promise<{ dataset: StoredDataset; warmup: number }> {
  const out = temporaryFolder();
  const config = prepareConfigSchema.parse({
    horizons: [HORIZON],
    features: { include: ["close_location"] },
    ...settings,
  });
  const input = writeBars(join(out, "bars.csv"), bars);
  await prepareDataset({ input, symbol: "TEST", config, barTime: "close", out, layouts: ["series"] });
  const dataset = await openStored({ symbol: "TEST", data: join(out, "datasets"), store: join(out, "store") });
  return { dataset, warmup: dataset.manifest.pipeline!.warmup };
}

describe("label.atr_period", () => {
  it.each([5, 14, 60])("%i: the barriers stand at the average range of so many bars", async (period) => {
    const { dataset, warmup } = await prepared({ label: { atr_period: period } });
    const piece = new Int32Array(bars.n);
    const atr = wilderAtr(bars, period, piece);
    const options = {
      horizon: HORIZON,
      k: 0.5,
      entry: "next_open",
      atrPeriod: period,
      piece,
      atr,
      from: warmup,
    } as const;
    const { labels } = tripleBarrier(bars, options);
    expect([...dataset.labels(HORIZON)]).toEqual([...labels.y.subarray(warmup)]);
    expect([...dataset.labelEnds(HORIZON)]).toEqual([...labels.end.subarray(warmup)]);
    expect(dataset.manifest.pipeline?.labels.atrPeriod).toBe(period);
  });

  it("changes labels at all", async () => {
    const [short, long] = [await prepared({ label: { atr_period: 5 } }), await prepared({ label: { atr_period: 60 } })];
    const own = long.dataset.labels(HORIZON).subarray(-1000);
    const differing = short.dataset
      .labels(HORIZON)
      .subarray(-1000)
      .filter((label, i) => label !== own[i]).length;
    expect(differing).toBeGreaterThan(20);
  });
});

describe("weights.uniqueness", () => {
  it("true: each row weighs the average uniqueness of its label, false: 1", async () => {
    const [on, off] = [await prepared({}), await prepared({ weights: { uniqueness: false } })];
    const times = on.dataset.timestamps();
    const uniqueness = averageUniqueness(times, on.dataset.labelEnds(HORIZON));
    const labels = on.dataset.labels(HORIZON);
    const expected = Array.from(uniqueness, (value, row) => (labels[row] === NO_LABEL ? 1 : value));
    expect([...on.dataset.weights(HORIZON)]).toEqual(expected);
    expect(expected.filter((weight) => weight < 0.9).length).toBeGreaterThan(1000);
    expect(off.dataset.weights(HORIZON).every((weight) => weight === 1)).toBe(true);
  });
});
