import {
  checkNames,
  type FeatureSource,
  featureStream,
  inOrder,
  locateDataset,
  type PredictionBatch,
  writePredictions,
} from "../data/index.js";
import { refuseOverwriting } from "../files/index.js";
import { rowsFromBarsFile } from "../prepare/index.js";
import {
  type DateOrder,
  FoldwiseError,
  type OnEvent,
  type PartName,
  type Timestamps,
  throwIfAborted,
} from "../types/index.js";
import type { ServedModel } from "./load.js";
import { PREDICTION_COLUMNS, predictionBatch } from "./predictionTable.js";
import { BATCH_ROWS } from "./predictor.js";
import { WindowStream } from "./windowStream.js";
import { requireWindows } from "./windows.js";

/** Where the rows come from: a prepared file, a symbol of a data folder, or raw bars. */
export type PredictSource =
  | { kind: "file"; path: string }
  | { kind: "dataset"; data?: string; symbol: string; part: PartName | "all" }
  | { kind: "bars"; path: string };

export interface PredictFileOptions {
  model: ServedModel;
  source: PredictSource;
  /** `.parquet` or `.csv`. */
  out: string;
  /** Modules that may define features of raw bars; those that the bundle itself names are not imported on its word. */
  featurePlugins?: readonly string[];
  /** File of contract rolls of raw bars, where they have no contract column. */
  rolls?: string;
  /** What dates such as 03/04/2024 of raw bars mean; by default as in the bars that the bundle was trained on. */
  dateOrder?: DateOrder;
  /** Feature plug-ins are looked for from here. */
  cwd?: string;
  signal?: AbortSignal;
  onEvent?: OnEvent;
}

interface Rows {
  start: number;
  timestamps: Timestamps;
  X: Float32Array;
  piece: Int32Array;
  wanted: { from: number; to: number };
  part: string;
  /** Of the whole source, where it is known. */
  total: number | null;
}

/**
 * Predicts every row of a source in plain Node and writes them in batches. Labels are never read, so the test part stays closed.
 *
 * @throws FoldwiseError `bundle.no_pipeline` for bars and a bundle that was not trained on prepared bars, `bundle.features_differ`,
 * `bundle.feature_plugins`, and what reading and writing throw.
 */
export async function predictFile(options: PredictFileOptions): Promise<{ rows: number }> {
  const { source, out, rolls } = options;
  const read = source.kind === "dataset" ? locateDataset(source.symbol, source.data).files : [source.path];
  refuseOverwriting([...read, ...(rolls === undefined ? [] : [rolls])], [out]);
  return writePredictions(options.out, PREDICTION_COLUMNS, answers(options));
}

async function* answers(options: PredictFileOptions): AsyncGenerator<PredictionBatch> {
  const { model, signal, onEvent } = options;
  const features = model.featureNames;
  if (model.seqLen !== null) {
    yield* windowAnswers(options, model.seqLen);
    return;
  }
  let done = 0;
  for await (const { start, timestamps, X, part, total } of rowsOf(options)) {
    for (let from = 0; from < timestamps.length; from += BATCH_ROWS) {
      throwIfAborted(signal);
      const to = Math.min(from + BATCH_ROWS, timestamps.length);
      const output = await model.predict({
        data: X.subarray(from * features.length, to * features.length),
        shape: [to - from, features.length],
        featureNames: features,
      });
      const rows = Int32Array.from({ length: to - from }, (_, i) => start + from + i);
      yield predictionBatch({ timestamps: timestamps.subarray(from, to), rows, part, output });
      done += to - from;
      // A bar without an end says less than none.
      if (total !== null) onEvent?.({ event: "progress", stage: "predict", step: done, total });
    }
  }
}

/** Of the rows at which a window ends; how many end none is told at the end. */
async function* windowAnswers(options: PredictFileOptions, seqLen: number): AsyncGenerator<PredictionBatch> {
  const { model, signal, onEvent } = options;
  const featureNames = model.featureNames;
  const stream = new WindowStream(seqLen, featureNames.length, (data, n) =>
    model.predict({ data, shape: [n, seqLen, featureNames.length], featureNames }),
  );
  let [answered, seen] = [0, 0];
  for await (const { start, timestamps, part, total, ...block } of rowsOf(options)) {
    for await (const { rows, output } of stream.answer(block)) {
      throwIfAborted(signal);
      const stamps = Float64Array.from(rows, (row) => timestamps[row]!);
      yield predictionBatch({ timestamps: stamps, rows: rows.map((row) => start + row), part, output });
      answered += rows.length;
      if (total !== null) onEvent?.({ event: "progress", stage: "predict", step: seen + rows.at(-1)! + 1, total });
    }
    seen += block.wanted.to - block.wanted.from;
  }
  requireWindows(new Int32Array(Math.min(1, answered)), seen, seqLen);
  if (stream.windowless > 0) {
    const message = `${stream.windowless} of ${seen} rows are left out: no window of ${seqLen} rows in one piece ends at them.`;
    onEvent?.({ event: "notice", message });
  }
}

async function* rowsOf({
  model,
  source,
  featurePlugins,
  rolls,
  dateOrder,
  cwd,
  signal,
  onEvent,
}: PredictFileOptions): AsyncGenerator<Rows> {
  if (source.kind !== "bars") {
    const { data, part } = streamSource(source);
    const context = model.seqLen !== null;
    for await (const batch of featureStream(data, model.featureNames, { context })) yield { ...batch, part };
    return;
  }
  if (model.pipeline === null) {
    throw new FoldwiseError("bundle.no_pipeline", "This bundle does not know how its rows are made from bars.", {
      remedy: "Give prepared rows with --data, or train on a dataset that `foldwise prepare` wrote.",
    });
  }
  const rows = await rowsFromBarsFile(model.pipeline, source.path, {
    ...(featurePlugins === undefined ? {} : { plugins: featurePlugins }),
    ...(rolls === undefined ? {} : { rolls }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
    onNotice: (message) => onEvent?.({ event: "notice", message }),
    onProgress: (step, total) => onEvent?.({ event: "progress", stage: "features", step, total }),
  });
  const { timestamps, featureNames, piece } = rows;
  checkNames(featureNames, model.featureNames);
  // A bundle trained on reordered columns has them in its own order.
  const X = inOrder(rows.X, featureNames, model.featureNames);
  const total = timestamps.length;
  yield { start: 0, timestamps, X, piece, wanted: { from: 0, to: total }, part: "bars", total };
}

function streamSource(source: Exclude<PredictSource, { kind: "bars" }>): { data: FeatureSource; part: string } {
  if (source.kind === "file") return { data: source.path, part: "all" };
  const { data, symbol, part } = source;
  return { data: { symbol, part, ...(data === undefined ? {} : { data }) }, part };
}
