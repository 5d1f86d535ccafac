import { join } from "node:path";
import { DEMO_SESSIONS } from "../data/demo/index.js";
import { type DatasetToWrite, requireEnoughRows, requireVaryingValues, writeDataset } from "../data/index.js";
import { type FeaturePlan, planFeatures } from "../features/index.js";
import { checkId, refuseOverwriting } from "../files/index.js";
import { assignPieces, type Pieces, UNKNOWN_HOURS } from "../market/index.js";
import {
  type BarTime,
  type Costs,
  type DateOrder,
  FoldwiseError,
  type OnEvent,
  type PartName,
  type PipelineSpec,
  type RowRange,
  type SessionTemplate,
  throwIfAborted,
} from "../types/index.js";
import { type PrepareConfig, resolveHorizons } from "./config.js";
import { type LabelledRows, labelRows } from "./label-rows.js";
import { type MarketBars, readMarketBars } from "./market.js";
import { loadFeaturePlugins, tryFeatures } from "./plugins.js";
import { type FeatureRows, featureRows } from "./rows.js";
import { splitRows } from "./split.js";
import { type PrepareSummary, summarise } from "./summary.js";
import { isSynthetic } from "./synthetic.js";

export type Layout = "series" | "splits";

export interface PrepareOptions {
  /** CSV or Parquet file of OHLCV bars. */
  input: string;
  symbol: string;
  /** As `prepareConfigSchema` gives it; horizons stand in it. */
  config: PrepareConfig;
  /** Which moment of a bar its stamps name; may be left out only where `readBars` says so. */
  barTime?: BarTime;
  /** Of stamps without a zone; UTC by default. */
  timeZone?: string;
  /** What dates such as 03/04/2024 mean; left out: the file decides, or `data.ambiguous_dates`. */
  dateOrder?: DateOrder;
  /** When the symbol trades and what it costs; unknown where left out. The demo generator's bars bring their own hours. */
  market?: { sessions: SessionTemplate | null; costs: Costs | null };
  /** File of contract rolls, for bars without a `contract` column. */
  rolls?: string;
  /** Fewer rows than 500 are taken, too. */
  allowSmall?: boolean;
  /** Data folder: `datasets/` and `splits/scaled/` are written under it. */
  out: string;
  layouts: readonly Layout[];
  /** Feature plug-ins are looked for from here; the working folder by default. */
  cwd?: string;
  onEvent?: OnEvent;
  signal?: AbortSignal;
}

/**
 * From a file of bars to a dataset: features, triple-barrier labels, weights, borders. Every row after the features' warm-up is
 * written, context rows too; nothing is purged here (that is `planHoldout`'s, at training).
 *
 * @returns what became of the rows and labels; `formatSummary` makes it readable.
 * @throws FoldwiseError what reading, features, labels and writing throw, and `interrupted.aborted`.
 */
export async function prepareDataset(options: PrepareOptions): Promise<PrepareSummary> {
  const { input, config, onEvent, signal } = options;
  const symbol = checkId(options.symbol, "symbol");
  if (options.layouts.length === 0) {
    throw new FoldwiseError("usage.no_layout", "No layout is named to be written.", {
      remedy: "Name series, splits or both.",
    });
  }
  refuseOverwriting(
    [input, ...(options.rolls === undefined ? [] : [options.rolls])],
    ["", "_train", "_val", "_test"].map((part) =>
      join(options.out, part === "" ? "datasets" : join("splits", "scaled"), `${symbol}${part}.parquet`),
    ),
  );
  const stage = (name: string, message: string): void => {
    throwIfAborted(signal);
    onEvent?.({ event: "stage", stage: name, message });
  };
  const progress = (name: string) => (step: number, total: number) =>
    onEvent?.({ event: "progress", stage: name, step, total });

  stage("read", `Reading ${input}`);
  const synthetic = isSynthetic(input);
  const rules = {
    sessions: synthetic ? DEMO_SESSIONS : (options.market?.sessions ?? UNKNOWN_HOURS),
    outsideSession: config.outside_session,
    adjust: config.adjust,
  };
  const market = await readMarketBars(input, rules, {
    ...(options.barTime === undefined ? {} : { barTime: options.barTime }),
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    ...(options.dateOrder === undefined ? {} : { dateOrder: options.dateOrder }),
    ...(options.rolls === undefined ? {} : { rolls: options.rolls }),
    onNotice: (message: string) => onEvent?.({ event: "notice", message }),
  });
  const { calendar, unadjusted } = market;
  const { bars } = market.adjusted;
  const { step } = market.file;
  const pieces = assignPieces(bars.timestamp, { step, calendar, maxGap: config.max_gap, rolls: unadjusted });
  const horizons = resolveHorizons(config.horizons, step);
  const longest = horizons.at(-1) ?? 0;
  if (longest >= bars.n) {
    throw new FoldwiseError("config.horizons", `Horizon ${longest} reaches beyond all ${bars.n} bars.`, {
      remedy: "Give shorter horizons, or more bars.",
      details: { horizons, bars: bars.n },
    });
  }
  const plugins = await loadFeaturePlugins(config.features.plugins, options.cwd ?? process.cwd());
  const volume = bars.volume.some((value) => value > 0);
  const outside = config.outside_session === "keep";
  const plan = planFeatures(config.features, { step, calendar, outside, volume, rows: bars.n, plugins });
  if (!volume) onEvent?.({ event: "notice", message: `${input} has no volume: features that need it are left out.` });
  const planned = new Set(plan.features.map(({ definition }) => definition));
  tryFeatures(
    plugins.filter((feature) => planned.has(feature)),
    bars,
  );
  const rowCount = Math.max(0, bars.n - plan.warmup);
  requireEnoughRows(rowCount, `After the features' warm-up ${input} gives`, options.allowSmall === true);
  const parts = splitRows(rowCount, config.split);

  // Labels come first: they are quick, and horizons that do not fit the bars are refused before the long work.
  stage("labels", `Labelling ${bars.n} bars at horizons ${horizons.join(", ")}`);
  const labelled = labelRows({
    bars,
    adjustment: market.adjusted,
    session: sessionIds(market, config.label.session),
    piece: pieces.piece,
    warmup: plan.warmup,
    parts,
    horizons,
    config,
    onHorizon: (done) => progress("labels")(done, horizons.length),
    signal,
  });

  stage("features", `Computing ${plan.features.length} features of ${bars.n} bars`);
  const rows = await featureRows(plan, bars, {
    onProgress: progress("features"),
    ...(signal === undefined ? {} : { signal }),
  });

  const width = rows.featureNames.length;
  requireVaryingValues(rows.X.subarray(parts.train.start * width, parts.train.end * width), width, input);

  stage("write", `Writing ${symbol} to ${options.out}`);
  const costs = options.market?.costs ?? null;
  const pipeline = pipelineOf({ symbol, market, config, plan, labelled, synthetic, costs });
  const dataset = datasetOf({ symbol, market, pieces, rows, labelled, parts, pipeline });
  const files = await writeDataset(dataset, { out: options.out, layouts: [...options.layouts] });
  return summarise({ market, pieces, plan, labelled, parts, pipeline, files });
}

/** (N) trading day of each bar, where labels end with their session; undefined where they may cross. */
export function sessionIds(
  { calendar, bars, file }: MarketBars,
  rule: PrepareConfig["label"]["session"],
): Int32Array | undefined {
  if (rule === "cross") return undefined;
  if (file.step !== null && file.step >= SHORTEST_DAY) {
    throw new FoldwiseError("config.label_session", `label.session: ${rule} needs bars shorter than a session.`, {
      remedy: "Set label.session: cross for daily bars.",
    });
  }
  return Int32Array.from(bars.timestamp, (close) => calendar.sessionOf(close).day);
}

const SHORTEST_DAY = 23 * 3_600_000_000;

interface PipelineInput {
  symbol: string;
  market: MarketBars;
  costs: Costs | null;
  config: PrepareConfig;
  plan: FeaturePlan;
  labelled: LabelledRows;
  synthetic: boolean;
}

function pipelineOf({ symbol, market, config, plan, labelled, synthetic, costs }: PipelineInput): PipelineSpec {
  const { barTime, timeZone, dateOrder, step } = market.file;
  return {
    version: 1,
    symbol,
    sessions: market.sessions,
    outsideSession: config.outside_session,
    barTime,
    timeZone,
    ...(dateOrder === null ? {} : { dateOrder: dateOrder.order }),
    step,
    maxGap: config.max_gap,
    adjust: config.adjust,
    rolls: market.rolls,
    costs,
    features: plan.spec,
    labels: {
      horizons: labelled.summaries.map(({ horizon }) => horizon),
      entry: config.label.entry,
      k: Object.fromEntries(labelled.summaries.map(({ horizon, k }) => [String(horizon), k])),
      atrPeriod: config.label.atr_period,
      session: config.label.session,
    },
    warmup: plan.warmup,
    synthetic,
  };
}

interface DatasetInput {
  symbol: string;
  market: MarketBars;
  pieces: Pieces;
  rows: FeatureRows;
  labelled: LabelledRows;
  parts: Record<PartName, RowRange>;
  pipeline: PipelineSpec;
}

function datasetOf({ symbol, market, pieces, rows, labelled, parts, pipeline }: DatasetInput): DatasetToWrite {
  const { open, high, low, close, volume, contract } = market.bars;
  const from = pipeline.warmup;
  return {
    symbol,
    timestamps: rows.timestamps,
    featureNames: rows.featureNames,
    X: rows.X,
    horizons: labelled.horizons,
    entryPrice: labelled.entryPrice,
    piece: pieces.piece.subarray(from),
    bars: {
      open: open.subarray(from),
      high: high.subarray(from),
      low: low.subarray(from),
      close: close.subarray(from),
      volume: volume.subarray(from),
      ...(contract === undefined ? {} : { contract: contract.slice(from) }),
    },
    parts,
    pipeline,
  };
}
