import { join } from "node:path";
import { openStored, writeDataset } from "../../src/data/index.js";
import { NO_LABEL, type StoredDataset, seededRandom } from "../../src/types/index.js";
import { PIPELINE, pipelineOf } from "../data/datasets.js";

const MINUTE = 60_000_000;

export interface NoiseOptions {
  folder: string;
  seed: number;
  /** Labelled rows. */
  rows: number;
  features: number;
  /** Bars that a label looks ahead. */
  horizon: number;
  /** Bars of a window. */
  seqLen: number;
}

/** The same examples twice. */
export interface Noise {
  /** In time: a label overlaps those of the `horizon` rows before and behind it. */
  inTime: StoredDataset;
  /**
   * What a tool makes of them that shuffles before it splits: examples in random order, each with its own bars (a piece of
   * `seqLen` rows, so that its window stays whole) and with a label that seems to end with its row.
   */
  shuffled: StoredDataset;
}

/** Rows behind the last labelled one. */
const TEST_ROWS = 40;

/**
 * Nothing can be learned here. Features are random walks, so that a row is like its neighbours and like no other; labels are
 * the terciles of the next `horizon` moves of another walk, so that neighbours share theirs, and are independent of all features.
 */
export async function noiseDatasets({ folder, seed, rows, features, horizon, seqLen }: NoiseOptions): Promise<Noise> {
  const random = seededRandom(seed);
  const lead = seqLen - 1;
  const total = lead + rows + horizon + TEST_ROWS;
  const walk = (): Float64Array => {
    const steps = Float64Array.from({ length: total + horizon }, () => random.normal());
    for (let t = 1; t < steps.length; t++) steps[t]! += steps[t - 1]!;
    return steps;
  };
  const walks = Array.from({ length: features }, walk);
  const price = walk();
  const moves = Float64Array.from({ length: total }, (_, t) => price[t + horizon]! - price[t]!);
  const ranked = moves.slice(lead, lead + rows).sort();
  const [low, high] = [ranked[Math.floor(rows / 3)]!, ranked[Math.floor((2 * rows) / 3)]!];
  const labelOf = (t: number): number => (moves[t]! < low ? -1 : moves[t]! < high ? 0 : 1);
  const bars = Array.from({ length: total }, (_, t) => walks.map((values) => values[t]!));

  const write = async (
    name: string,
    source: readonly number[],
    labelled: (row: number) => boolean,
    length: number,
    pieceOf: (row: number) => number,
    testRows: number,
  ): Promise<StoredDataset> => {
    const n = source.length;
    const timestamps = Float64Array.from({ length: n }, (_, row) => 1.6e15 + row * MINUTE);
    const featureNames = walks.map((_, j) => `walk_${j}`);
    const [val, test] = [Math.floor(0.8 * n), n - testRows];
    await writeDataset(
      {
        symbol: "NOISE",
        timestamps,
        featureNames,
        X: Float32Array.from(source.flatMap((t) => bars[t]!)),
        horizons: [
          {
            horizon,
            y: Int8Array.from(source, (t, row) => (labelled(row) ? labelOf(t) : NO_LABEL)),
            end: timestamps.map((stamp, row) => (labelled(row) ? stamp + length * MINUTE : Number.NaN)),
            w: new Float32Array(n).fill(1),
          },
        ],
        entryPrice: new Float64Array(n).fill(100),
        piece: Int32Array.from({ length: n }, (_, row) => pieceOf(row)),
        parts: { train: { start: 0, end: val }, val: { start: val, end: test }, test: { start: test, end: n } },
        pipeline: {
          ...pipelineOf(featureNames),
          symbol: "NOISE",
          labels: { ...PIPELINE.labels, horizons: [horizon] },
        },
      },
      { out: join(folder, name), layouts: ["series"] },
    );
    return openStored({ symbol: "NOISE", data: join(folder, name, "datasets"), store: join(folder, name, "store") });
  };

  const all = Array.from({ length: total }, (_, t) => t);
  const examples = all.slice(lead, lead + rows);
  for (let i = rows - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [examples[i], examples[j]] = [examples[j]!, examples[i]!];
  }
  const test = all.slice(lead + rows + horizon);
  const windows = [...examples, ...test].flatMap((t) => all.slice(t - lead, t + 1));
  return {
    inTime: await write(
      "in-time",
      all,
      (row) => row >= lead && (row < lead + rows || row >= lead + rows + horizon),
      horizon,
      () => 0,
      TEST_ROWS,
    ),
    shuffled: await write(
      "shuffled",
      windows,
      (row) => row % seqLen === lead,
      0,
      (row) => Math.floor(row / seqLen),
      TEST_ROWS * seqLen,
    ),
  };
}
