import {
  checkNames,
  type FeatureSource,
  featureStream,
  inOrder,
  locateDataset,
  type PredictionBatch,
  WindowCarry,
  writePredictions,
} from "../data/index.js";
import { refuseOverwriting } from "../files/index.js";
import {
  type DateOrder,
  type FeatureArray,
  FoldwiseError,
  type OnEvent,
  type PartName,
  type Timestamps,
  throwIfAborted,
} from "../types/index.js";
import { batchRows } from "./batches.js";
import { noFullWindow } from "./features.js";
import type { ServedModel } from "./load.js";
import { PREDICTION_COLUMNS, predictionBatch } from "./predictionTable.js";

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
  /** (n), counted on from batch to batch. */
  piece: Int32Array;
  part: string;
  /** Rows before those asked for: windows look back at them, no answer is wanted. */
  isContext: boolean;
  /** Of the whole source, where it is known. */
  total: number | null;
}

/**
 * Predicts every row of a source in plain Node and writes them in batches. Labels are never read, so the test part stays closed.
 * Sequence models answer the rows that have a full window in their piece; of a part, the first rows look back before it. How many rows are
 * left out is told once.
 *
 * @throws FoldwiseError `bundle.no_pipeline` for bars and a bundle that was not trained on prepared bars, `bundle.features_differ`,
 * `bundle.feature_plugins`, `data.no_full_window` where no row can be answered, and what reading and writing throw.
 */
export async function predictFile(options: PredictFileOptions): Promise<{ rows: number }> {
  const { source, out, rolls } = options;
  const read = source.kind === "dataset" ? locateDataset(source.symbol, source.data).files : [source.path];
  refuseOverwriting([...read, ...(rolls === undefined ? [] : [rolls])], [out]);
  return writePredictions(options.out, PREDICTION_COLUMNS, answers(options));
}

async function* answers(options: PredictFileOptions): AsyncGenerator<PredictionBatch> {
  const { model, signal, onEvent } = options;
  const counts = { seen: 0, answered: 0 };
  const inputOf = model.seqLen === null ? rowInput(model) : windowInput(model, model.seqLen);
  for await (const batch of rowsOf(options)) {
    const { ends, read, size } = inputOf(batch);
    if (batch.isContext) continue;
    const { start, timestamps, part, total } = batch;
    for (let from = 0; from < ends.length; from += size) {
      throwIfAborted(signal);
      const to = Math.min(from + size, ends.length);
      const output = await model.predict(await read(from, to));
      const rows = ends.subarray(from, to);
      yield predictionBatch({
        timestamps: Float64Array.from(rows, (row) => timestamps[row]!),
        rows: rows.map((row) => start + row),
        part,
        output,
      });
      // A bar without an end says less than none.
      if (total !== null)
        onEvent?.({ event: "progress", stage: "predict", step: counts.seen + rows.at(-1)! + 1, total });
    }
    counts.seen += timestamps.length;
    counts.answered += ends.length;
  }
  if (model.seqLen !== null) tellLeftOut(counts, model.seqLen, onEvent);
}

/** What of a batch is answered: positions of rows in it, and the model's input for some of them. */
interface Answerable {
  ends: Int32Array;
  read(from: number, to: number): Promise<FeatureArray>;
  /** Of them in one call of the model. */
  size: number;
}

function rowInput({ featureNames }: ServedModel): (rows: Rows) => Answerable {
  const width = featureNames.length;
  return ({ X, timestamps }) => ({
    ends: Int32Array.from(timestamps.keys()),
    read: async (from, to) => ({
      data: X.subarray(from * width, to * width),
      shape: [to - from, width],
      featureNames,
    }),
    size: batchRows(width, null),
  });
}

/** Windows of the rows of all batches, those of a piece together. */
function windowInput({ featureNames }: ServedModel, seqLen: number): (rows: Rows) => Answerable {
  const carry = new WindowCarry(seqLen, featureNames);
  const width = featureNames.length;
  return ({ X, piece }) => {
    const { ends, read } = carry.add(X, piece);
    return {
      ends,
      read: async (from, to) => ({ data: await read(from, to), shape: [to - from, seqLen, width], featureNames }),
      size: batchRows(width, seqLen),
    };
  };
}

function tellLeftOut({ seen, answered }: { seen: number; answered: number }, seqLen: number, onEvent?: OnEvent): void {
  if (answered === 0) throw noFullWindow(seqLen, seen);
  if (answered === seen) return;
  const message = `${seen - answered} of ${seen} rows are left out: the model looks at windows of ${seqLen} bars, and these have fewer before them in their piece.`;
  onEvent?.({ event: "notice", message });
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
    const lookBack = (model.seqLen ?? 1) - 1;
    for await (const batch of featureStream(data, model.featureNames, { lookBack })) yield { ...batch, part };
    return;
  }
  if (model.pipeline === null) {
    throw new FoldwiseError("bundle.no_pipeline", "This bundle does not know how its rows are made from bars.", {
      remedy: "Give prepared rows with --data, or train on a dataset that `foldwise prepare` wrote.",
    });
  }
  // Prepared rows, the usual case, need none of the indicators.
  const { rowsFromBarsFile } = await import("../prepare/index.js");
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
  yield { start: 0, timestamps, X, piece, part: "bars", isContext: false, total: timestamps.length };
}

function streamSource(source: Exclude<PredictSource, { kind: "bars" }>): { data: FeatureSource; part: string } {
  if (source.kind === "file") return { data: source.path, part: "all" };
  const { data, symbol, part } = source;
  return { data: { symbol, part, ...(data === undefined ? {} : { data }) }, part };
}
