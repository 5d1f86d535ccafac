import { type ClassShares, classificationMetrics, rowLogLosses, weightedMean } from "../../src/evaluation/index.js";
import { seededRandom } from "../../src/types/index.js";

export const PRIOR: ClassShares = [0.2, 0.55, 0.25];

export interface Market {
  /** How far what is known moves the log-odds: 0 is a market without signal. */
  signal: number;
  /** What the model mistakes for a signal, and by what it multiplies its log-odds. */
  noise?: number;
  sharpness?: number;
  /** What it adds to the log-odds of the classes. */
  tilt?: readonly number[];
  /** Rows in a row that share label and signal: overlapping labels. */
  overlap?: number;
}

/** Labels drawn by true probabilities about the prior, and what a model says of them. */
export function simulate(
  n: number,
  { signal, noise = 0, sharpness = 1, tilt = [0, 0, 0], overlap = 1 }: Market,
  seed: number,
) {
  const random = seededRandom(seed);
  const y = new Int8Array(n);
  const raw = new Float64Array(3 * n);
  let [known, label] = [[0, 0, 0], 0];
  const normals = (): number[] => [random.normal(), random.normal(), random.normal()];
  for (let i = 0; i < n; i++) {
    if (i % overlap === 0) {
      known = normals().map((value, k) => Math.log(PRIOR[k]!) + signal * value);
      const [short, neutral] = shares(known) as [number, number, number];
      const u = random.next();
      label = u < short ? -1 : u < short + neutral ? 0 : 1;
    }
    y[i] = label;
    const mistaken = normals();
    raw.set(shares(known.map((value, k) => tilt[k]! + sharpness * (value + noise * mistaken[k]!))), 3 * i);
  }
  return { y, raw };
}

export function shares(z: readonly number[]): number[] {
  const e = z.map(Math.exp);
  const total = e.reduce((a, b) => a + b);
  return e.map((value) => value / total);
}

export const logLoss = (y: Int8Array, p: Float64Array): number => weightedMean(rowLogLosses(y, p));
export const ece = (y: Int8Array, p: Float64Array): number => classificationMetrics(y, p).ece;
