/** Sample moments of a series. */
export interface Moments {
  mean: number;
  /** With n − 1; null, as the other two, where the values do not vary. */
  deviation: number | null;
  /** Third and fourth standardised moment, with n; 0 and 3 for a normal distribution. */
  skew: number | null;
  kurtosis: number | null;
}

export function momentsOf(values: Float64Array): Moments {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let [second, third, fourth] = [0, 0, 0];
  for (const value of values) {
    const off = value - mean;
    second += off ** 2;
    third += off ** 3;
    fourth += off ** 4;
  }
  const spread = Math.sqrt(second / n);
  // What is left of equal values is rounding.
  if (n < 2 || !(spread > 1e-12 * Math.abs(mean))) return { mean, deviation: null, skew: null, kurtosis: null };
  return {
    mean,
    deviation: Math.sqrt(second / (n - 1)),
    skew: third / n / spread ** 3,
    kurtosis: fourth / n / spread ** 4,
  };
}

/** A Sharpe ratio as it was estimated. Not annualised: of one period, as `periods` counts them. */
export interface EstimatedSharpe {
  sharpe: number;
  periods: number;
  skew: number;
  kurtosis: number;
}

/**
 * The probability that the true Sharpe ratio lies above `benchmark` (Bailey and López de Prado, The Sharpe Ratio Efficient
 * Frontier, 2012): Φ((SR − SR*) √(T − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)). Periods are taken as independent.
 * Null where the moments contradict one another or there are not two periods.
 */
export function probabilisticSharpe(
  { sharpe, periods, skew, kurtosis }: EstimatedSharpe,
  benchmark: number,
): number | null {
  const variance = 1 - skew * sharpe + ((kurtosis - 1) / 4) * sharpe ** 2;
  if (periods < 2 || !(variance > 0)) return null;
  return normalCdf(((sharpe - benchmark) * Math.sqrt(periods - 1)) / Math.sqrt(variance));
}

/** The Euler–Mascheroni constant. */
const EULER = 0.5772156649015329;

/**
 * The largest Sharpe ratio to be expected among `trials` independent ones that are all worth nothing, and whose estimates have
 * this variance: √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))) (Bailey and López de Prado, The Deflated Sharpe Ratio, 2014).
 * 0 for a single trial; `trials` need not be whole. The formula is made for many trials, and is cut off below 0 under 1.3 of them.
 */
export function expectedMaximumSharpe(trials: number, variance: number): number {
  if (!(trials > 1)) return 0;
  const quantiles = (1 - EULER) * normalQuantile(1 - 1 / trials) + EULER * normalQuantile(1 - 1 / (trials * Math.E));
  return Math.sqrt(variance) * Math.max(quantiles, 0);
}

/** Φ: the normal distribution function, to 1e-15 (Marsaglia, Evaluating the Normal Distribution, 2004). */
export function normalCdf(x: number): number {
  if (x > 8.5) return 1;
  if (x < -8.5) return 0;
  let [sum, term] = [x, x];
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return Math.min(Math.max(0.5 + sum * Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI)), 0), 1);
}

/** Φ⁻¹, by halving; ±8.5 for what lies beyond. */
export function normalQuantile(q: number): number {
  let [low, high] = [-8.5, 8.5];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < q) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
