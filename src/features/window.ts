/**
 * The last `size` values, oldest first in memory without a wrap, so that every statistic is a plain loop over them.
 * Nothing is carried from bar to bar but the values themselves: sums cannot drift, and a stream that started later
 * gives the same bits as the batch. (Running sums would be faster and would give up both.)
 *
 * ```
 * size 3 after pushes a b c d:   [d b c | d b c]     last three = data[1..3] = b c d
 *                                 at=0 ┘
 * ```
 */
export class Window {
  readonly size: number;
  private readonly data: Float64Array;
  private at = -1;

  constructor(size: number) {
    this.size = size;
    this.data = new Float64Array(2 * size);
  }

  push(value: number): void {
    this.at = this.at + 1 === this.size ? 0 : this.at + 1;
    this.data[this.at] = value;
    this.data[this.at + this.size] = value;
  }

  /** The value `bars` before the newest one. */
  ago(bars: number): number {
    return this.data[this.at + this.size - bars]!;
  }

  get newest(): number {
    return this.data[this.at + this.size]!;
  }

  get oldest(): number {
    return this.data[this.at + 1]!;
  }

  sum(): number {
    const { data, at, size } = this;
    let sum = 0;
    for (let i = at + 1; i <= at + size; i++) sum += data[i]!;
    return sum;
  }

  /** Exact on constant values: the mean deviation from the newest one is added to it. */
  mean(): number {
    const { data, at, size } = this;
    const newest = data[at + size]!;
    let sum = 0;
    for (let i = at + 1; i < at + size; i++) sum += data[i]! - newest;
    return newest + sum / size;
  }

  max(): number {
    const { data, at, size } = this;
    let max = data[at + 1]!;
    for (let i = at + 2; i <= at + size; i++) if (data[i]! > max) max = data[i]!;
    return max;
  }

  min(): number {
    const { data, at, size } = this;
    let min = data[at + 1]!;
    for (let i = at + 2; i <= at + size; i++) if (data[i]! < min) min = data[i]!;
    return min;
  }

  /** Sum of (x − centre)^power. */
  moment(centre: number, power: 2 | 3): number {
    const { data, at, size } = this;
    let sum = 0;
    for (let i = at + 1; i <= at + size; i++) {
      const d = data[i]! - centre;
      sum += power === 2 ? d * d : d * d * d;
    }
    return sum;
  }

  /** Mean of |x − centre|. */
  meanDeviation(centre: number): number {
    const { data, at, size } = this;
    let sum = 0;
    for (let i = at + 1; i <= at + size; i++) sum += Math.abs(data[i]! - centre);
    return sum / size;
  }

  /** Standard deviation; sample (n − 1) by default, population where a definition says so. */
  std(kind: "sample" | "population" = "sample"): number {
    const degrees = kind === "sample" ? this.size - 1 : this.size;
    return Math.sqrt(this.moment(this.mean(), 2) / degrees);
  }

  /** Sum of weight × value, both oldest first and of the window's size. Four sums side by side: thrice as fast as one. */
  weighted(weights: Float64Array): number {
    const { data, size } = this;
    const from = this.at + 1;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let k = 0;
    for (; k + 3 < size; k += 4) {
      a += weights[k]! * data[from + k]!;
      b += weights[k + 1]! * data[from + k + 1]!;
      c += weights[k + 2]! * data[from + k + 2]!;
      d += weights[k + 3]! * data[from + k + 3]!;
    }
    for (; k < size; k++) a += weights[k]! * data[from + k]!;
    return a + b + (c + d);
  }

  /** The same for weights that sum to 1, exact on constant values. */
  weightedLevel(weights: Float64Array): number {
    const { data, size } = this;
    const from = this.at + 1;
    const newest = data[from + size - 1]!;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let k = 0;
    for (; k + 3 < size; k += 4) {
      a += weights[k]! * (data[from + k]! - newest);
      b += weights[k + 1]! * (data[from + k + 1]! - newest);
      c += weights[k + 2]! * (data[from + k + 2]! - newest);
      d += weights[k + 3]! * (data[from + k + 3]! - newest);
    }
    for (; k < size; k++) a += weights[k]! * (data[from + k]! - newest);
    return newest + (a + b + (c + d));
  }
}

/** Prices within this share of each other are the same price: below it a difference is rounding, and would not scale. */
export const ROUNDING = 1e-12;

/** `numerator / denominator`, or `neutral` where the denominator is not above `floor`. */
export function ratio(numerator: number, denominator: number, neutral: number, floor = 0): number {
  return denominator > floor ? numerator / denominator : neutral;
}
