import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openStored, readBars } from "../../src/data/index.js";
import { UNKNOWN_HOURS } from "../../src/market/index.js";
import {
  formatSummary,
  type PrepareOptions,
  type PrepareSummary,
  prepareConfigSchema,
  prepareDataset,
  rowsFromBars,
  rowsFromBarsFile,
  summaryToJson,
} from "../../src/prepare/index.js";
import {
  type Bars,
  NO_LABEL,
  type PipelineSpec,
  type ProgressEvent,
  type StoredDataset,
} from "../../src/types/index.js";
import { assertNoLeak, planHoldout } from "../../src/validation/index.js";
import { randomBars } from "../labels/random-bars.js";
import { temporaryFolder, withHole, writeBars } from "./bars-file.js";

const DAILY = resolve("examples/data/sp500_daily.csv");
const QUICK = { include: ["log_return_*", "rsi_*", "15m_*"] };

function options(folder: string, extra: Partial<PrepareOptions> & Pick<PrepareOptions, "input">): PrepareOptions {
  return { symbol: "TEST", config: prepareConfigSchema.parse({}), out: folder, layouts: ["series"], ...extra };
}

function open(folder: string): Promise<StoredDataset> {
  return openStored({ symbol: "TEST", data: join(folder, "datasets"), store: join(folder, "store") });
}

function pipelineOf(dataset: StoredDataset): PipelineSpec {
  const { pipeline } = dataset.manifest;
  if (pipeline === null) return expect.fail("the dataset has no pipeline");
  return pipeline;
}

async function allRows(dataset: StoredDataset): Promise<Float32Array> {
  return dataset.readRows(new Int32Array(dataset.manifest.rows).map((_, row) => row));
}

/** The largest difference relative to 1 or the value itself; two NaN are equal. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  a.forEach((value, i) => {
    if (Number.isNaN(value) && Number.isNaN(b[i]!)) return;
    largest = Math.max(largest, Math.abs(value - b[i]!) / Math.max(1, Math.abs(value)));
  });
  return largest;
}

describe("prepare on real daily bars", () => {
  const folder = temporaryFolder();
  const events: ProgressEvent[] = [];
  let summary: PrepareSummary;
  let dataset: StoredDataset;

  beforeAll(async () => {
    const onEvent = (event: ProgressEvent): void => {
      events.push(event);
    };
    summary = await prepareDataset(
      options(folder, { input: DAILY, barTime: "close", layouts: ["series", "splits"], onEvent }),
    );
    dataset = await open(folder);
  });

  it("writes every row after the warm-up, and counts the rest", () => {
    const { bars, lostToWarmup, written } = summary.rows;
    expect([bars, lostToWarmup + written]).toEqual([5031, 5031]);
    expect(dataset.manifest.rows).toBe(written);
    expect(dataset.manifest.features).toHaveLength(summary.features.count);
    expect(dataset.manifest.horizons).toEqual([5, 10, 15, 20]);
    expect(dataset.manifest.labelEnd).toEqual({ 5: "given", 10: "given", 15: "given", 20: "given" });
  });

  it("writes both layouts, and names the files", () => {
    expect(summary.files.length).toBeGreaterThanOrEqual(5);
    for (const file of summary.files) expect(existsSync(file)).toBe(true);
    for (const part of ["train", "val", "test"]) {
      expect(existsSync(join(folder, `splits/scaled/TEST_${part}.parquet`))).toBe(true);
    }
  });

  it("stores what turns bars into rows", () => {
    expect(pipelineOf(dataset)).toMatchObject({
      symbol: "TEST",
      sessions: UNKNOWN_HOURS,
      outsideSession: "drop",
      rolls: [],
      costs: null,
      barTime: "close",
      timeZone: "UTC",
      warmup: summary.rows.lostToWarmup,
      labels: {
        horizons: [5, 10, 15, 20],
        entry: "next_open",
        k: { 5: 0.5, 20: 0.5 },
        atrPeriod: 14,
        session: "cross",
      },
      synthetic: false,
    });
  });

  it("leaves the last H rows of a horizon without a label", () => {
    const y = dataset.labels(20);
    expect(y.subarray(-20).every((label) => label === NO_LABEL)).toBe(true);
    expect(y.subarray(0, -20).some((label) => label === NO_LABEL)).toBe(false);
    expect(summary.labels.horizons[3]!.lost).toEqual({ warmup: 0, gaps: 0, end: 20, session: 0, flat: 0 });
  });

  it("says all of it in words", () => {
    const text = formatSummary(summary);
    for (const part of [
      "5 031 bars of 1d",
      "lost to the features' warm-up",
      "weekends and holidays are not gaps",
      "UTC day",
    ]) {
      expect(text).toContain(part);
    }
    expect(text.match(/^ +20 {2}(train| {2}val| test) /gm)).toHaveLength(3);
    expect(text).not.toContain("SYNTHETIC");
  });

  it("is JSON with snake_case keys", () => {
    const json: unknown = JSON.parse(JSON.stringify(summaryToJson(summary)));
    expect(json).toMatchObject({
      symbol: "TEST",
      bar_time: "close",
      rows: { lost_to_warmup: summary.rows.lostToWarmup },
      labels: {
        atr_period: 14,
        horizons: [
          { horizon: 5, statistics: [{ part: "train", shares: { "-1": expect.any(Number) } }, {}, {}] },
          {},
          {},
          {},
        ],
      },
    });
    expect(JSON.stringify(json)).not.toMatch(/"[a-z]+[A-Z]\w*":/);
  });

  it("tells its progress", () => {
    const stages = events.flatMap((event) => (event.event === "stage" ? [event.stage] : []));
    expect(stages).toEqual(["read", "labels", "features", "write"]);
    const last = events.filter((event) => event.event === "progress" && event.stage === "features").at(-1);
    expect(last).toMatchObject({ step: 5031, total: 5031 });
  });

  it("is what predict --bars makes of the same file", async () => {
    const rows = await rowsFromBarsFile(pipelineOf(dataset), DAILY);
    expect(rows.featureNames).toEqual(dataset.manifest.features);
    expect(rows.timestamps).toEqual(dataset.timestamps());
    expect(largestDifference(rows.X, await allRows(dataset))).toBe(0);
  });

  it("is what predict --bars makes of bars that begin later, once they are warm", async () => {
    const { bars } = await readBars(DAILY, { barTime: "close" });
    const from = 1000;
    const later: Bars = { ...bars, n: bars.n - from };
    for (const name of ["timestamp", "open", "high", "low", "close", "volume"] as const)
      later[name] = bars[name].subarray(from);
    const rows = await rowsFromBars(pipelineOf(dataset), later);
    const width = rows.featureNames.length;
    expect(rows.timestamps).toEqual(dataset.timestamps().subarray(from));
    expect(largestDifference(rows.X, (await allRows(dataset)).subarray(from * width))).toBeLessThan(1e-5);
  });
});

describe("prepare on intraday bars", () => {
  const folder = temporaryFolder();
  const config = prepareConfigSchema.parse({
    horizons: [3, "10m"],
    features: QUICK,
    label: { entry: "close", target_neutral: 0.35 },
    split: { train: 0.6, val: 0.2, test: 0.2 },
  });
  let summary: PrepareSummary;

  beforeAll(async () => {
    const bars = withHole(withHole(randomBars(3000, 4), 1000, 5), 2000, 30);
    const input = writeBars(join(folder, "bars.csv"), bars);
    writeFileSync(`${input}.source.json`, '{"synthetic": true}');
    summary = await prepareDataset(options(folder, { input, config, barTime: "close" }));
  });

  it("bridges short holes, breaks at long ones, and lets no label cross", async () => {
    expect(summary.gaps).toMatchObject({ pieces: 2, bridged: { holes: 1, bars: 5 }, breaks: 1 });
    expect(summary.labels.horizons.map(({ horizon, lost }) => [horizon, lost.gaps, lost.end])).toEqual([
      [3, 3, 3],
      [10, 10, 10],
    ]);
    const dataset = await open(folder);
    const piece = dataset.piece();
    const times = dataset.timestamps();
    const firstOfSecond = times[piece.indexOf(1)]!;
    dataset.labelEnds(10).forEach((end, row) => {
      if (piece[row] === 0 && !Number.isNaN(end)) expect(end).toBeLessThan(firstOfSecond);
    });
  });

  it("has a hold-out plan in which nothing leaks", async () => {
    const dataset = await open(folder);
    const { horizons, parts } = dataset.manifest;
    const timestamps = dataset.timestamps();
    const labelEnds = horizons.map((horizon) => dataset.labelEnds(horizon));
    const plan = planHoldout({ timestamps, labels: horizons.map((h) => dataset.labels(h)), labelEnds, parts });
    expect(plan.embargo).toBe(59);
    expect(plan.lost.train.purged).toBeGreaterThan(0);
    expect(() => assertNoLeak(plan, timestamps, labelEnds)).not.toThrow();
  });

  it("says that its bars are synthetic, and keeps it in the pipeline", async () => {
    expect(formatSummary(summary)).toContain("TEST (SYNTHETIC bars): 2 605 bars of 1m");
    expect(pipelineOf(await open(folder)).synthetic).toBe(true);
  });

  it("stores the k that the neutral share chose, and uses it", async () => {
    const { k } = pipelineOf(await open(folder)).labels;
    expect(Object.keys(k)).toEqual(["3", "10"]);
    for (const { k: used, horizon, statistics } of summary.labels.horizons) {
      expect(k[String(horizon)]).toBe(used);
      expect(statistics[0]!.shares[0]).toBeCloseTo(0.35, 1);
    }
  });

  it("refuses bars of another length for prediction", async () => {
    const five = randomBars(2000, 4);
    const bars = { ...five, timestamp: five.timestamp.map((stamp) => stamp * 5) };
    const path = writeBars(join(folder, "five.csv"), bars);
    const rows = rowsFromBarsFile(pipelineOf(await open(folder)), path);
    await expect(rows).rejects.toMatchObject({
      code: "data.step_differs",
      message: "The bars have a step of 5 minutes, but the model was trained on bars of 1 minutes.",
    });
  });

  it("refuses fewer bars than the warm-up", async () => {
    const rows = rowsFromBars(pipelineOf(await open(folder)), randomBars(20, 4));
    await expect(rows).rejects.toMatchObject({ code: "data.too_few_bars" });
  });
});

it("prepare lets no label cross a change of contract that is not adjusted", async () => {
  const folder = temporaryFolder();
  const contract = Array.from({ length: 1500 }, (_, t) => (t < 1000 ? "ESH4" : "ESM4"));
  const input = writeBars(join(folder, "bars.csv"), { ...randomBars(1500, 6), contract });
  const config = prepareConfigSchema.parse({ features: QUICK, horizons: [10], adjust: "none" });
  const summary = await prepareDataset(options(folder, { input, config, barTime: "close" }));
  expect(summary.gaps).toMatchObject({ pieces: 2, breaks: 0, rolls: 1 });
  expect(summary.labels.horizons[0]!.lost).toMatchObject({ gaps: 10, end: 10 });
  expect(formatSummary(summary)).toContain("so do 1 changes of contract (not adjusted)");
});

describe("prepare with a feature of one's own", () => {
  it("writes it as a column, and finds it again for prediction", async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, "gap.mjs"),
      `export default { name: "open_gap", formula: "ln(open / close[-1])", lookback: 2,
        create: () => { let last; return { push: (bar) => { const gap = Math.log(bar.open / last); last = bar.close; return gap; } }; } };`,
    );
    const input = writeBars(join(folder, "bars.csv"), randomBars(1500, 6));
    const config = prepareConfigSchema.parse({ features: { plugins: ["gap.mjs"], include: ["rsi_7", "open_gap"] } });
    await prepareDataset(options(folder, { input, config, barTime: "close", cwd: folder }));
    const dataset = await open(folder);
    expect(dataset.manifest.features).toContain("open_gap");
    const rows = await rowsFromBarsFile(pipelineOf(dataset), input, { cwd: folder, plugins: ["gap.mjs"] });
    expect(largestDifference(rows.X, await allRows(dataset))).toBe(0);
    await expect(rowsFromBarsFile(pipelineOf(dataset), input, { cwd: "/", plugins: ["gap.mjs"] })).rejects.toThrow(
      "There is no feature plug-in gap.mjs.",
    );
    // Code runs only when its user names it: a pipeline that was received may name anything.
    await expect(rowsFromBarsFile(pipelineOf(dataset), input, { cwd: folder })).rejects.toMatchObject({
      code: "bundle.feature_plugins",
    });
  });
});

describe("prepare refuses a feature of one's own", () => {
  const push = (body: string) => `create: () => { let last; return { push: (bar) => { ${body} } }; }`;
  it.each([
    ["scale_free", "that is a price", push("return bar.close;")],
    ["defined", "that is not always a number", push("return Math.log(bar.high - bar.high);")],
    ["warm_up", "that never forgets", push("last = (last ?? 0) + Math.log(bar.close / bar.open); return last;")],
    [
      "causal",
      "that keeps the bars of an earlier run and looks ahead in them",
      `create: () => {
        const known = globalThis.foldwiseTestBars ?? [];
        const seen = (globalThis.foldwiseTestBars = []);
        return { push: (bar) => { seen.push(bar); const next = known[seen.length] ?? bar; return Math.log(next.close / bar.open); } };
      }`,
    ],
  ])("by the rule %s: one %s", async (rule, _, create) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "own.mjs"), `export default { name: "own", formula: "?", lookback: 2, ${create} };`);
    const input = writeBars(join(folder, "bars.csv"), randomBars(1500, 6));
    const config = prepareConfigSchema.parse({ features: { plugins: ["own.mjs"], include: ["rsi_7", "own"] } });
    await expect(
      prepareDataset(options(folder, { input, config, barTime: "close", cwd: folder })),
    ).rejects.toMatchObject({
      code: "config.feature_rule",
      details: { feature: "own", rule },
      remedy: expect.any(String),
    });
  });
});

describe("prepare refuses", () => {
  const folder = temporaryFolder();
  const input = writeBars(join(folder, "bars.csv"), randomBars(600, 6));
  const config = prepareConfigSchema.parse({ features: QUICK });

  it("a symbol that is no name", async () => {
    const run = prepareDataset(options(folder, { input, symbol: "../../x", config, barTime: "close" }));
    await expect(run).rejects.toMatchObject({ code: "usage.bad_id" });
  });

  it("intraday bars without a bar time", async () => {
    await expect(prepareDataset(options(folder, { input, config }))).rejects.toMatchObject({
      code: "usage.bar_time_required",
    });
  });

  it("features none of which varies", async () => {
    writeFileSync(
      join(folder, "one.mjs"),
      `export default ({ defineFeature }) =>
        defineFeature({ name: "one", formula: "1", lookback: 1, create: () => ({ push: () => 1 }) });`,
    );
    const constant = prepareConfigSchema.parse({ features: { include: ["one"], plugins: ["one.mjs"] } });
    const run = prepareDataset(options(folder, { input, config: constant, barTime: "close", cwd: folder }));
    await expect(run).rejects.toMatchObject({
      code: "data.constant_features",
      message: expect.stringContaining("The only feature has one value in all 420 training rows"),
      exitCode: 2,
    });
  });

  it("horizons that leave a part without labels, before any feature is computed", async () => {
    const long = prepareConfigSchema.parse({ features: QUICK, horizons: [200] });
    const stages: string[] = [];
    const run = prepareDataset(
      options(folder, {
        input,
        config: long,
        barTime: "close",
        onEvent: (event) => event.event === "stage" && stages.push(event.stage),
      }),
    );
    await expect(run).rejects.toMatchObject({ code: "data.no_labels" });
    expect(stages).toEqual(["read", "labels"]);
  });

  it("to go on after an interruption, and leaves no file", async () => {
    const controller = new AbortController();
    const run = prepareDataset(
      options(join(folder, "never"), {
        input,
        config,
        barTime: "close",
        signal: controller.signal,
        onEvent: (event) => event.event === "stage" && event.stage === "features" && controller.abort(),
      }),
    );
    await expect(run).rejects.toMatchObject({ code: "interrupted.aborted", exitCode: 130 });
    expect(existsSync(join(folder, "never"))).toBe(false);
  });
});
