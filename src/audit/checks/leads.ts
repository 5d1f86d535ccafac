import type { AuditRows } from "../subject.js";

/** Past values that the next one is explained by before anything else is asked. */
const PAST = 5;
/** Standard deviations beyond which a value counts as this far. */
const CLIP = 4;

/** What features are compared with: a white series, at each row its newest value that is known there. */
export interface Target {
  name: string;
  /** How the series is called in a sentence: "the return of the next bar". */
  ahead: (bars: number) => string;
  /** (N) what becomes known with each row and its past does not explain, as `unit` gives it. */
  innovations: Float64Array;
  /** Rows ahead that are looked at. */
  leads: readonly number[];
  /** Correlation from which news of a feature goes with it too far: any market would be easy to predict, or to be quiet in. */
  much: number;
  /** Of the largest correlation with past bars: below it, what is ahead is an echo of what has been. */
  ofPast: number;
}

/**
 * Single-bar returns, signed and in size, where the rows have a price; else the outcome of the shortest horizon. Each is reduced
 * to what its own past does not explain, so that a market that swings back (bid and ask) or has quiet times does not look like
 * foresight.
 */
export function targetsOf(source: AuditRows): { targets: Target[]; raw: Float64Array | null } {
  const { targets, raw } = seriesOf(source);
  const varying = targets.flatMap((target) => {
    const innovations = unit(target.innovations);
    return innovations === null ? [] : [{ ...target, innovations }];
  });
  return { targets: varying, raw: raw === null ? null : unit(raw) };
}

function seriesOf(source: AuditRows): { targets: Target[]; raw: Float64Array | null } {
  const { price } = source;
  if (price !== null) {
    const returns = barReturns(source, price.values);
    if (returns.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0) >= 100) {
      const clipped = clip(returns);
      const size = clipped.map(Math.abs);
      return {
        raw: returns,
        targets: [
          {
            name: "return",
            ahead: (bars) => `the return ${barsOn(bars)}`,
            innovations: innovations(clipped, 1),
            leads: [1, 2, 3, 4, 5],
            much: 0.1,
            ofPast: 0.5,
          },
          {
            name: "size of return",
            ahead: (bars) => `the size of the return ${barsOn(bars)}`,
            innovations: innovations(size, 1),
            leads: [1, 2, 3, 4, 5],
            much: 0.15,
            ofPast: 1.5,
          },
        ],
      };
    }
  }
  const horizon = source.horizons[0];
  if (horizon === undefined) return { targets: [], raw: null };
  const returns = source.returns(horizon);
  const labels = source.labels(horizon);
  const outcome = Float64Array.from(labels, (label, row) => (label < -1 ? Number.NaN : (returns?.[row] ?? label)));
  const what = returns === null ? "label" : "return";
  return {
    raw: null,
    targets: [
      {
        name: `${what} at horizon ${horizon}`,
        ahead: () => `the ${what} at horizon ${horizon}`,
        // At the row where it is known, H rows on; nearer rows' outcomes are known in part.
        innovations: innovations(clip(later(outcome, horizon)), horizon),
        leads: [horizon],
        // A bar is 1/√H of the outcome's spread. Reversals of a few bars, which no price shows here, make a fraction of that.
        much: Math.max(0.1, 0.5 / Math.sqrt(horizon)),
        ofPast: 0.5,
      },
    ],
  };
}

/** (N) the value of so many rows before. */
const later = (values: Float64Array, rows: number): Float64Array =>
  values.map((_, row) => (row < rows ? Number.NaN : values[row - rows]!));

const barsOn = (bars: number): string => (bars === 1 ? "of the next bar" : `${bars} bars on`);

/** (N) log-return from the row before to this one; NaN where they are no neighbours. */
function barReturns({ piece, timestamps }: AuditRows, price: Float64Array): Float64Array {
  return price.map((value, row) => {
    if (row === 0 || piece[row] !== piece[row - 1] || timestamps[row] === timestamps[row - 1]) return Number.NaN;
    const ratio = value / price[row - 1]!;
    return ratio > 0 && Number.isFinite(ratio) ? Math.log(ratio) : Number.NaN;
  });
}

/**
 * Values beyond four deviations of the mean count as there, the deviation being that of the values so clipped (three times over):
 * crashes and rolls must not decide.
 */
export function clip(values: Float64Array): Float64Array {
  let clipped = values;
  for (let round = 0; round < 3; round++) {
    const { mean, deviation } = momentsOf(clipped);
    const low = mean - CLIP * deviation;
    const high = mean + CLIP * deviation;
    clipped = clipped.map((value) => (value < low ? low : value > high ? high : value));
  }
  return clipped;
}

function momentsOf(values: Float64Array): { mean: number; deviation: number } {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const away = values[i]! - mean;
    if (!Number.isNaN(away)) squares += away * away;
  }
  return { mean, deviation: Math.sqrt(squares / count) };
}

/** Mean 0 and sum of squares 1, so that a correlation is a sum of products; missing values are 0, the mean. Null where nothing varies. */
export function unit(values: ArrayLike<number>): Float64Array | null {
  const centred = Float64Array.from(values);
  const { mean, deviation } = momentsOf(centred);
  if (!(deviation > 1e-9 * Math.abs(mean))) return null;
  let squares = 0;
  for (let i = 0; i < centred.length; i++) {
    const away = centred[i]! - mean;
    centred[i] = !Number.isNaN(away) ? away : 0;
    squares += centred[i]! * centred[i]!;
  }
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < centred.length; i++) centred[i]! *= scale;
  return centred;
}

/** Correlation of x(t) and y(t + bars), both as `unit` gives them. */
export function correlation(x: Float64Array, y: Float64Array, bars: number): number {
  const from = Math.max(0, -bars);
  const to = Math.min(x.length, x.length - bars);
  let sum = 0;
  for (let row = from; row < to; row++) sum += x[row]! * y[row + bars]!;
  return sum;
}

/** Residuals of a regression on the last `PAST` values that are known `lag` rows later; NaN where one is missing. */
function innovations(values: Float64Array, lag: number): Float64Array {
  const n = values.length;
  const width = PAST + 1;
  const gram = new Float64Array(width * width);
  const moment = new Float64Array(width);
  const past = new Float64Array(width);
  const known = (row: number): boolean => {
    past[0] = 1;
    for (let k = 0; k < PAST; k++) past[k + 1] = row - lag - k < 0 ? Number.NaN : values[row - lag - k]!;
    return past.every((value) => !Number.isNaN(value)) && !Number.isNaN(values[row]!);
  };
  for (let row = 0; row < n; row++) {
    if (!known(row)) continue;
    for (let i = 0; i < width; i++) {
      moment[i]! += past[i]! * values[row]!;
      for (let j = 0; j < width; j++) gram[i * width + j]! += past[i]! * past[j]!;
    }
  }
  const weights = solve(gram, moment);
  return values.map((value, row) => {
    if (!known(row)) return Number.NaN;
    return weights.reduce((rest, weight, k) => rest - weight * past[k]!, value);
  });
}

/** Gaussian elimination with pivots; a direction without variation gets weight 0. */
function solve(gram: Float64Array, moment: Float64Array): Float64Array {
  const width = moment.length;
  const rows = Array.from({ length: width }, (_, i) => [...gram.subarray(i * width, (i + 1) * width), moment[i]!]);
  const scale = Math.max(...rows.map((row, i) => Math.abs(row[i]!)), Number.MIN_VALUE);
  for (let i = 0; i < width; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, row, k) => (Math.abs(row[i]!) > Math.abs(rows[best]![i]!) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    if (Math.abs(rows[i]![i]!) <= 1e-14 * scale) continue;
    for (let k = 0; k < width; k++) {
      if (k === i) continue;
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= width; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  return Float64Array.from(rows, (row, i) => (Math.abs(row[i]!) <= 1e-14 * scale ? 0 : row[width]! / row[i]!));
}
