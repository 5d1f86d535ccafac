import { type BarsFile, type DatasetToWrite, readBars, writeDataset } from "../data/index.js";
import { type FeaturePlan, planFeatures } from "../features/index.js";
import { checkId } from "../files/index.js";
import { assignPieces, type Pieces, utcDays } from "../market/index.js";
import {
  type BarTime,
  FoldwiseError,
  type OnEvent,
  type PartName,
  type PipelineSpec,
  type RowRange,
  throwIfAborted,
} from "../types/index.js";
import { type PrepareConfig, resolveHorizons } from "./config.js";
import { type LabelledRows, labelRows } from "./label-rows.js";
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
  const stage = (name: string, message: string): void => {
    throwIfAborted(signal);
    onEvent?.({ event: "stage", stage: name, message });
  };
  const progress = (name: string) => (step: number, total: number) =>
    onEvent?.({ event: "progress", stage: name, step, total });

  stage("read", `Reading ${input}`);
  const file = await readBars(input, {
    ...(options.barTime === undefined ? {} : { barTime: options.barTime }),
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
    onNotice: (message: string) => onEvent?.({ event: "notice", message }),
  });
  const { bars, step } = file;
  const contract = bars.contract === undefined ? {} : { contract: bars.contract };
  const pieces = assignPieces(bars.timestamp, { step, maxGap: config.max_gap, ...contract });
  const horizons = resolveHorizons(config.horizons, step);
  const plugins = await loadFeaturePlugins(config.features.plugins, options.cwd ?? process.cwd());
  const plan = planFeatures(config.features, { step, rows: bars.n, plugins });
  const planned = new Set(plan.features.map(({ definition }) => definition));
  tryFeatures(
    plugins.filter((feature) => planned.has(feature)),
    bars,
  );
  const parts = splitRows(Math.max(0, bars.n - plan.warmup), config.split);

  // Labels come first: they are quick, and horizons that do not fit the bars are refused before the long work.
  stage("labels", `Labelling ${bars.n} bars at horizons ${horizons.join(", ")}`);
  const labelled = labelRows({
    bars,
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

  stage("write", `Writing ${symbol} to ${options.out}`);
  const synthetic = isSynthetic(input);
  const pipeline = pipelineOf({ symbol, file, config, plan, labelled, synthetic });
  const dataset = datasetOf({ symbol, file, pieces, rows, labelled, parts, pipeline });
  const files = await writeDataset(dataset, { out: options.out, layouts: [...options.layouts] });
  return summarise({ file, pieces, plan, labelled, parts, pipeline, files });
}

interface PipelineInput {
  symbol: string;
  file: BarsFile;
  config: PrepareConfig;
  plan: FeaturePlan;
  labelled: LabelledRows;
  synthetic: boolean;
}

function pipelineOf({ symbol, file, config, plan, labelled, synthetic }: PipelineInput): PipelineSpec {
  return {
    version: 1,
    symbol,
    template: utcDays.id,
    barTime: file.barTime,
    timeZone: file.timeZone,
    step: file.step,
    maxGap: config.max_gap,
    adjust: "none",
    features: plan.spec,
    labels: {
      horizons: labelled.summaries.map(({ horizon }) => horizon),
      entry: config.label.entry,
      k: Object.fromEntries(labelled.summaries.map(({ horizon, k }) => [String(horizon), k])),
      atrPeriod: config.label.atr_period,
    },
    warmup: plan.warmup,
    synthetic,
  };
}

interface DatasetInput {
  symbol: string;
  file: BarsFile;
  pieces: Pieces;
  rows: FeatureRows;
  labelled: LabelledRows;
  parts: Record<PartName, RowRange>;
  pipeline: PipelineSpec;
}

function datasetOf({ symbol, file, pieces, rows, labelled, parts, pipeline }: DatasetInput): DatasetToWrite {
  const { open, high, low, close, volume, contract } = file.bars;
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
