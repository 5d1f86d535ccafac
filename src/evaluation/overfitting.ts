import { FoldwiseError } from "../types/index.js";

/** Whether choosing the best configuration chose chance. */
export interface Overfitting {
  /** Probability of backtest overfitting. */
  pbo: number;
  /** Blocks that the periods were cut into, and ways to choose half of them. */
  blocks: number;
  splits: number;
  /** Periods that were used: what does not fill the blocks is left out at the end. */
  periods: number;
}

export interface OverfittingOptions {
  /** `sharpe`: mean over standard deviation, 0 where nothing varies; `mean`: the mean, of losses with the sign turned. */
  score: "sharpe" | "mean";
  /** Periods a block at least. */
  shortest: number;
}

const MOST_BLOCKS = 16;
const FEWEST_BLOCKS = 4;

/** Even, at most 16; 0 where the periods do not make four blocks of `shortest`. */
export function blocksOf(periods: number, shortest: number): number {
  const blocks = Math.min(MOST_BLOCKS, 2 * Math.floor(periods / shortest / 2));
  return blocks < FEWEST_BLOCKS ? 0 : blocks;
}

/**
 * Probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado and Zhu,
 * The Probability of Backtest Overfitting, 2015).
 *
 *   blocks     1  2  3  4  5  6
 *   a split    ▒  ▒     ▒          the configuration that is best here …
 *                    █     █  █    … has which rank among all of them here?
 *
 * Over all ways to choose half of the blocks, the share in which the best is below the median outside: near ½ where
 * configurations differ by chance alone, near 0 where one is truly better. Exactly at the median counts half, and of several
 * that are equally best each counts alike: so it is ½ for noise, however many there are.
 *
 * @param results (configurations ≥ 2) of (T) each: results of the same periods, in time order; above is better.
 * @returns Null where the periods do not make four blocks.
 */
export function probabilityOfOverfitting(
  results: readonly Float64Array[],
  { score, shortest }: OverfittingOptions,
): Overfitting | null {
  const periods = checked(results);
  const blocks = blocksOf(periods, shortest);
  if (blocks === 0) return null;
  const length = Math.floor(periods / blocks);
  const sums = results.map((series) => blockSums(series, blocks, length));
  const half = (blocks / 2) * length;
  let [splits, overfitted] = [0, 0];
  for (let chosen = 0; chosen < 1 << blocks; chosen++) {
    if (bitsOf(chosen) !== blocks / 2) continue;
    splits++;
    const inside = sums.map((each) => scoreOf(each, chosen, half, score));
    const outside = sums.map((each) => scoreOf(each, ~chosen, half, score));
    overfitted += belowMedian(inside, outside);
  }
  return { pbo: overfitted / splits, blocks, splits, periods: blocks * length };
}

interface BlockSums {
  sums: Float64Array;
  squares: Float64Array;
}

function blockSums(series: Float64Array, blocks: number, length: number): BlockSums {
  const sums = new Float64Array(blocks);
  const squares = new Float64Array(blocks);
  for (let i = 0; i < blocks * length; i++) {
    const block = Math.floor(i / length);
    sums[block]! += series[i]!;
    squares[block]! += series[i]! ** 2;
  }
  return { sums, squares };
}

/** Of the blocks whose bit is set, with `n` periods together. */
function scoreOf({ sums, squares }: BlockSums, chosen: number, n: number, score: OverfittingOptions["score"]): number {
  let [sum, square] = [0, 0];
  for (let block = 0; block < sums.length; block++) {
    if ((chosen & (1 << block)) === 0) continue;
    sum += sums[block]!;
    square += squares[block]!;
  }
  const mean = sum / n;
  if (score === "mean") return mean;
  const variance = square / n - mean ** 2;
  return variance > 1e-12 * mean ** 2 ? mean / Math.sqrt(variance) : 0;
}

/** 1 where the best inside is below the median outside, ½ where it is the median; the mean over those equally best. */
function belowMedian(inside: readonly number[], outside: readonly number[]): number {
  const best = Math.max(...inside);
  let [found, below] = [0, 0];
  inside.forEach((value, m) => {
    if (value !== best) return;
    found++;
    const own = outside[m]!;
    let [worse, better] = [0, 0];
    for (const other of outside) {
      if (other < own) worse++;
      else if (other > own) better++;
    }
    below += worse < better ? 1 : worse === better ? 0.5 : 0;
  });
  return below / found;
}

function bitsOf(value: number): number {
  let bits = 0;
  for (let rest = value; rest > 0; rest &= rest - 1) bits++;
  return bits;
}

/** How many independent configurations those that were tried are worth. */
export interface EffectiveTrials {
  /** From 1 to the number of configurations. */
  effective: number;
  /** Mean correlation of two of them; null where there is one. */
  meanCorrelation: number | null;
}

/**
 * The participation ratio of the correlation matrix's eigenvalues, (Σλ)² / Σλ² = M² / Σρ² (Bretherton and others, The Effective
 * Number of Spatial Degrees of Freedom, 1999), which needs no eigenvalues: 1 where all results are alike, M where no two have
 * anything in common. Each ρ² is lessened by what T periods of noise give, (1 − ρ²) / (T − 2), as an adjusted R² is: otherwise
 * few periods would make many configurations look alike. It knows linear dependence only, and results that are opposite count as
 * alike.
 *
 * @param results (M ≥ 1) of (T) each, on the same periods; one that does not vary is like no other.
 */
export function effectiveTrials(results: readonly Float64Array[]): EffectiveTrials {
  const periods = checked(results);
  const standardised = results.map(standardise);
  const m = results.length;
  let [squares, correlations] = [m, 0];
  for (let a = 0; a < m; a++) {
    for (let b = 0; b < a; b++) {
      const [one, other] = [standardised[a]!, standardised[b]!];
      let rho = 0;
      for (let t = 0; t < periods; t++) rho += one[t]! * other[t]!;
      const chance = periods > 2 ? (1 - rho ** 2) / (periods - 2) : 0;
      squares += 2 * (rho ** 2 - chance);
      correlations += rho;
    }
  }
  return {
    effective: m ** 2 / Math.max(squares, m),
    meanCorrelation: m < 2 ? null : (2 * correlations) / (m * (m - 1)),
  };
}

/** Mean 0 and sum of squares 1; all 0 where nothing varies. */
function standardise(series: Float64Array): Float64Array {
  const mean = series.reduce((sum, value) => sum + value, 0) / series.length;
  const norm = Math.sqrt(series.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return series.map((value) => (norm > 0 ? (value - mean) / norm : 0));
}

function checked(results: readonly Float64Array[]): number {
  const periods = results[0]?.length ?? 0;
  if (periods > 0 && results.every(({ length }) => length === periods)) return periods;
  throw new FoldwiseError("data.shape_mismatch", "Configurations are compared on the same periods, at least 1.", {
    remedy: "Give results of one length.",
  });
}
