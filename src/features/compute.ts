import { type Bar, type Bars, throwIfAborted } from "../types/index.js";
import type { FeaturePlan } from "./plan.js";
import { FeatureStream } from "./stream.js";

const ROWS_A_STEP = 4096;

export interface ComputeOptions {
  /** Called every few thousand rows. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Row-major (N, F). */
export interface ComputedFeatures {
  names: string[];
  X: Float32Array;
}

/**
 * The plan's columns for all bars: `X` is row-major (N, F). Rows before `plan.warmup` hold NaN or incomplete values.
 *
 * @throws `interrupted.aborted` when the signal fires.
 */
export function computeFeatures(plan: FeaturePlan, bars: Bars, options: ComputeOptions = {}): ComputedFeatures {
  const steps = featureSteps(plan, bars);
  for (;;) {
    throwIfAborted(options.signal);
    const step = steps.next();
    if (step.done) return step.value;
    options.onProgress?.(step.value, bars.n);
  }
}

/**
 * The same work in steps of a few thousand rows, each yielding the rows done so far: who drives it can let signals and
 * progress through in between.
 */
export function* featureSteps(plan: FeaturePlan, bars: Bars): Generator<number, ComputedFeatures> {
  const stream = new FeatureStream(plan);
  const width = stream.names.length;
  const X = new Float32Array(bars.n * width);
  for (let i = 0; i < bars.n; i++) {
    X.set(stream.advance(barAt(bars, i)), i * width);
    if ((i + 1) % ROWS_A_STEP === 0 || i + 1 === bars.n) yield i + 1;
  }
  return { names: [...stream.names], X };
}

/** Row `i` of the columns, as an object of its own. */
export function barAt(bars: Bars, i: number): Bar {
  return {
    timestamp: bars.timestamp[i]!,
    open: bars.open[i]!,
    high: bars.high[i]!,
    low: bars.low[i]!,
    close: bars.close[i]!,
    volume: bars.volume[i]!,
  };
}
