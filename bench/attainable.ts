import {
  continueFrom,
  DEMO_SESSIONS,
  type DemoBars,
  emptyBars,
  generateDemoBars,
  stateAt,
} from "../src/data/demo/index.js";
import { barrierDistance, labelOne, newOutcome, tripleBarrier, wilderAtr } from "../src/labels/index.js";
import { assignPieces, Calendar } from "../src/market/index.js";
import { CLASS_COUNT, FoldwiseError, NO_LABEL, seededRandom, type Timestamps } from "../src/types/index.js";
import { blockStandardError, meanOf } from "./lib/blocks.js";

/** The labels of `prepare`'s defaults. */
const LABEL = { k: 0.5, entry: "next_open", atrPeriod: 14 } as const;
const DEFAULT_HORIZONS = [5, 10, 15, 20] as const;
/** Blocks of the standard errors, in longest horizons: beyond the reach of label overlap and of the hidden signal. */
const HORIZONS_PER_BLOCK = 5;

export interface AttainableOptions {
  symbol: string;
  bars: number;
  bar: string;
  seed: number;
  /** 5, 10, 15 and 20 bars by default. */
  horizons?: readonly number[];
  /** How many rows, evenly spaced over the rows that are labelled at all horizons; all of them when there are fewer. 2 000 by default. */
  rows?: number;
  /** Simulated continuations a row; 2 000 by default. */
  paths?: number;
  /** Only rows from this bar on; the prior is then the class shares of the labelled rows before it. */
  rowsFrom?: number;
  /** Exactly these rows, by close stamp, such as the test rows of a run; `rows` is not used then. */
  at?: Timestamps;
  /** Class probabilities (−1, 0, 1) of the prior; else the class shares of the labelled rows before the first row used, or of all. */
  prior?: Readonly<Record<string, readonly number[]>>;
  onProgress?: (done: number, total: number) => void;
}

/** An estimate and its standard error over dependent rows; it contains the Monte-Carlo noise, which is independent by row. */
export interface Estimate {
  value: number;
  standardError: number;
}

/**
 * What nobody can beat at one horizon, in nats. Two estimators on the same rows and the same simulated class probabilities
 * p̂ (M paths, K = 3 classes):
 *
 * - `expected`: the mean of −Σ p̂ log p̂. Its plug-in bias is −(K−1)/2M, which is added back (Miller and Madow, 1955). Labels do not
 *   enter it, so its error is small: the figure to judge the generator by.
 * - `realised`: the mean of −log p̂[y] at the labels that came true, p̂ = (count + ½)/(M + 3/2). Its bias is +(K−1)/2M, taken off. It
 *   has the luck of the labels in it, which a model's log-loss on the same rows has too: the figure to compare models with.
 */
export interface Attainable {
  horizon: number;
  rows: number;
  /** `expected.value`. */
  attainable: number;
  /** `expected.standardError`. */
  standardError: number;
  /** Expected log-loss of the constant prior on the same rows. */
  prior: number;
  /** `prior − attainable`. */
  gap: number;
  gapStandardError: number;
  /** Log-loss of the hidden state's probabilities at the labels that came true. */
  realised: Estimate;
  /** Log-loss of the prior at the labels that came true. */
  realisedPrior: number;
  /** (rows) losses behind `realised`, for paired comparisons, and the rows' close stamps. */
  losses: Float64Array;
  timestamps: Timestamps;
}

/**
 * Attainable log-loss of demo bars: at each row the generator goes on from its hidden state `paths` times, and the real labelling
 * code labels each continuation.
 *
 *     bars ─────────●t   state(t) ═╦═▶ continuation 1 ─▶ labelOne ─▶ −1 │
 *                                  ╠═▶ continuation 2 ─▶ labelOne ─▶  1 ├─▶ p̂(t) ─▶ −Σ p̂ log p̂
 *                                  ╚═▶ …                                │
 *
 * Throws `data.not_a_demo_row` for a stamp in `at` that is no row labelled at all horizons.
 */
export function attainable(options: AttainableOptions): Attainable[] {
  const { horizons = DEFAULT_HORIZONS, paths = 2000 } = options;
  const demo = generateDemoBars(options);
  const { labels, atr } = labelDemo(demo, horizons);
  const labelled = rowsLabelledAtAll(labels);
  const chosen = chooseRows(demo, labelled, options);
  const first = chosen[0] ?? 0;
  const before =
    options.at !== undefined || options.rowsFrom !== undefined ? labelled.filter((t) => t < first) : labelled;
  const counts = simulate(demo, { rows: chosen, atr, horizons, paths, onProgress: options.onProgress });
  const block = HORIZONS_PER_BLOCK * Math.max(...horizons);
  return horizons.map((horizon, h) => {
    const y = labels[h]!;
    const prior = options.prior?.[String(horizon)] ?? classShares(y, before);
    return estimate({ horizon, counts: counts[h]!, paths, y, rows: chosen, prior, block, demo });
  });
}

function labelDemo(
  { bars, hidden }: DemoBars,
  horizons: readonly number[],
): { labels: Int8Array[]; atr: Float64Array } {
  const { piece } = assignPieces(bars.timestamp, {
    step: hidden.process.minutes * 60_000_000,
    calendar: new Calendar(DEMO_SESSIONS),
  });
  const atr = wilderAtr(bars, LABEL.atrPeriod, piece);
  const labels = horizons.map((horizon) => tripleBarrier(bars, { ...LABEL, horizon, piece, atr }).labels.y);
  return { labels, atr };
}

function rowsLabelledAtAll(labels: readonly Int8Array[]): number[] {
  const n = labels[0]?.length ?? 0;
  return Array.from({ length: n }, (_, t) => t).filter((t) => labels.every((y) => y[t] !== NO_LABEL));
}

function chooseRows({ bars }: DemoBars, labelled: readonly number[], options: AttainableOptions): number[] {
  if (options.at !== undefined) {
    const byStamp = new Map(labelled.map((t) => [bars.timestamp[t]!, t]));
    return Array.from(options.at, (stamp) => byStamp.get(stamp) ?? refuse(stamp));
  }
  const from = options.rowsFrom ?? 0;
  const candidates = labelled.filter((t) => t >= from);
  const rows = Math.min(options.rows ?? 2000, candidates.length);
  return Array.from({ length: rows }, (_, i) => candidates[Math.floor(((i + 0.5) * candidates.length) / rows)]!);
}

function refuse(stamp: number): never {
  throw new FoldwiseError(
    "data.not_a_demo_row",
    `${new Date(stamp / 1000).toISOString()} is no row of these demo bars that is labelled at all horizons.`,
    { remedy: "Generate with the symbol, bar, bars and seed of the rows, and give rows that all horizons label." },
  );
}

interface Simulation {
  rows: readonly number[];
  atr: Float64Array;
  horizons: readonly number[];
  paths: number;
  onProgress: AttainableOptions["onProgress"];
}

/** Per horizon (rows, K) counts of the classes. Each row has its own random stream, so rows do not depend on each other. */
function simulate(demo: DemoBars, { rows, atr, horizons, paths, onProgress }: Simulation): Uint32Array[] {
  const steps = Math.max(...horizons);
  const path = emptyBars(steps);
  const outcome = newOutcome();
  const counts = horizons.map(() => new Uint32Array(rows.length * CLASS_COUNT));
  rows.forEach((t, i) => {
    const state = stateAt(demo, t);
    const random = seededRandom(0x5eed_0000 + t);
    for (let m = 0; m < paths; m++) {
      continueFrom(demo.hidden.process, state, random, steps, path);
      const entry = path.open[0]!;
      for (let h = 0; h < horizons.length; h++) {
        labelOne(path, 0, horizons[h]!, entry, barrierDistance(LABEL.k, atr[t]!, horizons[h]!, entry), outcome);
        const at = i * CLASS_COUNT + outcome.label + 1;
        counts[h]![at] = counts[h]![at]! + 1;
      }
    }
    if (i % 50 === 49) onProgress?.(i + 1, rows.length);
  });
  return counts;
}

function classShares(y: Int8Array, rows: readonly number[]): number[] {
  const counts = [0, 0, 0];
  for (const t of rows) counts[y[t]! + 1]!++;
  return counts.map((count) => count / rows.length);
}

interface EstimateInput {
  horizon: number;
  counts: Uint32Array;
  paths: number;
  y: Int8Array;
  rows: readonly number[];
  prior: readonly number[];
  block: number;
  demo: DemoBars;
}

function estimate({ horizon, counts, paths, y, rows, prior, block, demo }: EstimateInput): Attainable {
  const n = rows.length;
  const bias = (CLASS_COUNT - 1) / (2 * paths);
  const entropy = new Float64Array(n).fill(bias);
  const gap = new Float64Array(n);
  const losses = new Float64Array(n);
  const ofPrior = new Float64Array(n);
  const ofPriorRealised = new Float64Array(n);
  rows.forEach((t, i) => {
    for (let k = 0; k < CLASS_COUNT; k++) {
      const p = counts[i * CLASS_COUNT + k]! / paths;
      if (p > 0) entropy[i]! -= p * Math.log(p);
      ofPrior[i]! -= p * Math.log(prior[k]!);
    }
    gap[i] = ofPrior[i]! - entropy[i]!;
    const count = counts[i * CLASS_COUNT + y[t]! + 1]!;
    losses[i] = -Math.log((count + 0.5) / (paths + CLASS_COUNT / 2)) - bias;
    ofPriorRealised[i] = -Math.log(prior[y[t]! + 1]!);
  });
  return {
    horizon,
    rows: n,
    attainable: meanOf(entropy),
    standardError: blockStandardError(entropy, rows, block),
    prior: meanOf(ofPrior),
    gap: meanOf(gap),
    gapStandardError: blockStandardError(gap, rows, block),
    realised: { value: meanOf(losses), standardError: blockStandardError(losses, rows, block) },
    realisedPrior: meanOf(ofPriorRealised),
    losses,
    timestamps: Float64Array.from(rows, (t) => demo.bars.timestamp[t]!),
  };
}
