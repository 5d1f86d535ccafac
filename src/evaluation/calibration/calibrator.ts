import { CLASS_COUNT, FoldwiseError } from "../../types/index.js";
import { checkProbabilities, PROBABILITY_FLOOR, type Probabilities } from "../losses.js";
import type { ClassShares } from "../prior.js";

/**
 * Turns a model's raw probabilities into calibrated ones. Plain JSON; with `l` = log(max(raw, 1e-15)) and `softmax` over the
 * three classes, each is a few nodes of a graph:
 *
 * | kind        | probabilities                              | fitted                          | source                            |
 * |-------------|--------------------------------------------|---------------------------------|-----------------------------------|
 * | none        | raw                                        | nothing                         |                                   |
 * | prior       | (1 − λ) raw + λ prior                      | 0 ≤ λ ≤ 0.99                    | linear opinion pool (Stone, 1961) |
 * | pool        | softmax(a l + (1 − a) log prior)           | a ≥ 0.01; below 1 shrinks       | logarithmic pool (Genest and Zidek, 1986) |
 * | temperature | softmax(l / T)                             | 0.1 ≤ T ≤ 100; above 1 flattens | Guo et al., 2017                  |
 * | vector      | softmax(scale · l + bias), class by class  | scale ≥ 0.01, bias              | vector scaling, Guo et al., 2017  |
 *
 * `temperature` flattens towards equal shares, `prior` and `pool` towards the class shares of the training rows.
 * A fit leaves at least `LEAST_SHARE` of the model in its answers; a calibrator made by hand may leave none.
 */
export type Calibrator =
  | { kind: "none" }
  | { kind: "prior"; lambda: number; prior: ClassShares }
  | { kind: "pool"; power: number; prior: ClassShares }
  | { kind: "temperature"; temperature: number }
  | { kind: "vector"; scale: Triple; bias: Triple };

/**
 * What a fitted calibrator always keeps of a model: its share in `prior`, its slope in the others. So a model is never made
 * constant by some forty labels that show no signal: rows keep the order in which `prior` gives a class, and `pool` and
 * `temperature` the odds of two classes.
 *
 * What it costs, on rows of which the model knows nothing, against the prior: with `prior` at most
 * LEAST_SHARE² (1 / s − 1) / 2 nats but for a fiftieth, s the prior's smallest share (by χ², the mean of (p / prior − 1)²): 0.0002
 * for s = 0.2. By simulation for a prior of 0.2, 0.55, 0.25 and log-odds that are noise of deviation 0.3, 1, 3, 10: `prior`
 * 0.000003, 0.00002, 0.00007, 0.0001; `pool` 0.000003, 0.00003, 0.0003, 0.003, and it is taken only where it beats `prior`. A
 * parameter fitted to n effective labels costs 1 / (2 n) by their luck: 0.0125 for 40, 0.0005 for 1 000.
 */
export const LEAST_SHARE = 0.01;

/** In class order −1, 0, 1. */
export type Triple = [number, number, number];

export type CalibratorKind = Calibrator["kind"];

/** In the order in which they are tried: first those that lead to the prior, then those that may leave it. */
export const CALIBRATOR_KINDS = ["none", "prior", "pool", "temperature", "vector"] as const satisfies CalibratorKind[];

/**
 * Calibrated probabilities (N, 3) in float64. `none` gives `raw` as it is; of every other kind a row sums to 1.
 * `raw` counts as at least 1e-15 in logarithms; `prior`, which takes none, leaves a raw zero of a class without prior at zero.
 *
 * @param raw (N, 3) of a model; N may be 0.
 * @throws FoldwiseError `data.shape_mismatch`, `data.bad_probabilities`, `data.bad_calibrator`, `data.bad_prior`.
 */
export function applyCalibrator(calibrator: Calibrator, raw: Probabilities): Float64Array {
  checkCalibrator(calibrator);
  checkProbabilities(raw);
  if (calibrator.kind === "none") return Float64Array.from(raw);
  if (calibrator.kind === "prior") {
    const { lambda, prior } = calibrator;
    return normalised(Float64Array.from(raw, (p, i) => (1 - lambda) * p + lambda * prior[i % CLASS_COUNT]!));
  }
  const { scale, bias } = softmaxForm(calibrator);
  const z = logs(raw);
  for (let i = 0; i < z.length; i++) z[i] = scale[i % CLASS_COUNT]! * z[i]! + bias[i % CLASS_COUNT]!;
  return softmax(z);
}

/** The scale and bias of a kind that is softmax(scale · l + bias): what its graph multiplies by and adds. */
export function softmaxForm(calibrator: Extract<Calibrator, { kind: "temperature" | "pool" | "vector" }>): {
  scale: Triple;
  bias: Triple;
} {
  switch (calibrator.kind) {
    case "temperature": {
      const scale = 1 / calibrator.temperature;
      return { scale: [scale, scale, scale], bias: [0, 0, 0] };
    }
    case "pool": {
      const { power, prior } = calibrator;
      const towards = (share: number): number => (1 - power) * Math.log(Math.max(share, PROBABILITY_FLOOR));
      return { scale: [power, power, power], bias: [towards(prior[0]), towards(prior[1]), towards(prior[2])] };
    }
    case "vector":
      return { scale: calibrator.scale, bias: calibrator.bias };
  }
}

/** Whether the rows of the fit asked for less of the model than a calibrator may keep: they show no signal. */
export function isLeastShare(calibrator: Calibrator): boolean {
  switch (calibrator.kind) {
    case "none":
      return false;
    case "prior":
      return calibrator.lambda >= 1 - LEAST_SHARE;
    case "pool":
      return calibrator.power <= LEAST_SHARE;
    case "temperature":
      return calibrator.temperature >= 1 / LEAST_SHARE;
    case "vector":
      return calibrator.scale.every((slope) => slope <= LEAST_SHARE);
  }
}

/** Natural logarithms, of at least `PROBABILITY_FLOOR`. */
export function logs(p: ArrayLike<number>): Float64Array {
  const l = new Float64Array(p.length);
  for (let i = 0; i < l.length; i++) l[i] = Math.log(Math.max(p[i]!, PROBABILITY_FLOOR));
  return l;
}

/** Row by row, in place; the largest exponent is taken off first, so that none overflows. */
export function softmax(z: Float64Array): Float64Array {
  for (let at = 0; at < z.length; at += CLASS_COUNT) {
    const top = Math.max(z[at]!, z[at + 1]!, z[at + 2]!);
    for (let k = at; k < at + CLASS_COUNT; k++) z[k] = Math.exp(z[k]! - top);
  }
  return normalised(z);
}

function normalised(p: Float64Array): Float64Array {
  for (let at = 0; at < p.length; at += CLASS_COUNT) {
    const total = p[at]! + p[at + 1]! + p[at + 2]!;
    for (let k = at; k < at + CLASS_COUNT; k++) p[k]! /= total;
  }
  return p;
}

/** @throws FoldwiseError `data.bad_prior` for what is not a distribution over the three classes. */
export function checkPrior(prior: readonly number[]): void {
  const total = prior.reduce((a, b) => a + b, 0);
  if (prior.length !== CLASS_COUNT || !(prior.every((share) => share >= 0) && Math.abs(total - 1) <= 1e-6)) {
    throw new FoldwiseError(
      "data.bad_prior",
      `Got the prior ${prior.join(", ")}; it must be three shares ≥ 0 that sum to 1.`,
      {
        remedy: "Give the class shares of the training rows in the order −1, 0, 1.",
      },
    );
  }
}

function checkCalibrator(calibrator: Calibrator): void {
  if (calibrator.kind === "prior" || calibrator.kind === "pool") checkPrior(calibrator.prior ?? []);
  const fault = faultOf(calibrator);
  if (fault !== null) {
    throw new FoldwiseError("data.bad_calibrator", `The ${calibrator.kind} calibrator has ${fault}.`, {
      remedy: "Use a calibrator that fitCalibrator made; a stored one may be damaged.",
      details: { calibrator },
    });
  }
}

// Comparisons are written so that NaN fails them.
function faultOf(calibrator: Calibrator): string | null {
  switch (calibrator.kind) {
    case "none":
      return null;
    case "temperature":
      return calibrator.temperature > 0 && calibrator.temperature < Number.POSITIVE_INFINITY
        ? null
        : `the temperature ${calibrator.temperature}; it must be finite and > 0`;
    case "prior":
      return calibrator.lambda >= 0 && calibrator.lambda <= 1
        ? null
        : `the lambda ${calibrator.lambda}; it must be from 0 to 1`;
    case "pool":
      return calibrator.power >= 0 && calibrator.power < Number.POSITIVE_INFINITY
        ? null
        : `the power ${calibrator.power}; it must be finite and ≥ 0`;
    case "vector": {
      const { scale, bias } = calibrator;
      if (scale.length !== CLASS_COUNT || bias.length !== CLASS_COUNT) return "not three scales and three biases";
      return scale.every((a) => a >= 0 && a < Number.POSITIVE_INFINITY) && bias.every(Number.isFinite)
        ? null
        : `the scale ${scale.join(", ")} and bias ${bias.join(", ")}; they must be finite, and scale ≥ 0`;
    }
    default:
      return "an unknown kind";
  }
}
