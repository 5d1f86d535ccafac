import type { Bar, Bars } from "../types/index.js";
import { barAt } from "./compute.js";
import type { FeatureDefinition } from "./definition.js";
import { Scope } from "./scope.js";

export interface FeatureProblem {
  rule: "causal" | "scale_free" | "warm_up" | "defined";
  /** First row at which the rule is broken. */
  row: number;
  /** What was seen there. */
  message: string;
}

const SCALE = 1.37;
const RELATIVE = 1e-6;
/** Rows at which the future is changed and late streams start; spread over the bars. */
const PROBES = 5;

/**
 * Probes a definition against the four rules of {@link FeatureDefinition} on real or made-up bars, and says which it
 * breaks. For the tests of plug-ins, and for a refusal before a plug-in's columns reach a dataset.
 *
 * A feature is pushed one bar at a time, so it can only look ahead through state that outlives its `create`: bars kept
 * in its module from an earlier run. That shows here as values which hang on bars after them.
 *
 * @param bars at least `warmup + 2` of them, better some hundreds more.
 */
export function checkFeature(definition: FeatureDefinition, bars: Bars): FeatureProblem[] {
  const all = Array.from({ length: bars.n }, (_, i) => barAt(bars, i));
  const values = run(definition, all);
  return [
    undefinedValue(definition, values),
    ...probeRows(definition, bars.n).flatMap((row) => [
      lookAhead(definition, all, values, row),
      lateStart(definition, all, values, row),
    ]),
    scaleBound(definition, all, values),
  ].filter((problem) => problem !== undefined);
}

function undefinedValue({ warmup }: FeatureDefinition, values: Float64Array): FeatureProblem | undefined {
  const row = values.findIndex((value, i) => i >= warmup && !Number.isFinite(value));
  return row < 0 ? undefined : { rule: "defined", row, message: `${values[row]} after a warm-up of ${warmup} bars` };
}

/** Runs the bars up to `row`, then others in place of the rest: what was said up to `row` must stand. */
function lookAhead(
  definition: FeatureDefinition,
  bars: readonly Bar[],
  values: Float64Array,
  row: number,
): FeatureProblem | undefined {
  const changed = bars.map((bar, i) => (i <= row ? bar : scaleBar(bar, 2)));
  const again = run(definition, changed);
  for (let i = 0; i <= row; i++) {
    if (!same(values[i]!, again[i]!)) {
      return { rule: "causal", row: i, message: `${values[i]} became ${again[i]} when bars after row ${row} changed` };
    }
  }
  return undefined;
}

function lateStart(
  definition: FeatureDefinition,
  bars: readonly Bar[],
  values: Float64Array,
  row: number,
): FeatureProblem | undefined {
  const late = run(definition, bars.slice(row - definition.warmup, row + 1));
  const value = late[late.length - 1]!;
  if (same(values[row]!, value)) return undefined;
  return {
    rule: "warm_up",
    row,
    message: `${values[row]} in the batch, ${value} in a stream that started ${definition.warmup} bars earlier`,
  };
}

function scaleBound(
  definition: FeatureDefinition,
  bars: readonly Bar[],
  values: Float64Array,
): FeatureProblem | undefined {
  const scaled = run(
    definition,
    bars.map((bar) => scaleBar(bar, SCALE)),
  );
  const row = values.findIndex((value, i) => i >= definition.warmup && !same(value, scaled[i]!));
  if (row < 0) return undefined;
  return {
    rule: "scale_free",
    row,
    message: `${values[row]} became ${scaled[row]} when prices were multiplied by ${SCALE}`,
  };
}

function run(definition: FeatureDefinition, bars: readonly Bar[]): Float64Array {
  const state = definition.create(new Scope());
  return Float64Array.from(bars, (bar) => state.push({ ...bar }));
}

function probeRows({ warmup }: FeatureDefinition, n: number): number[] {
  const span = n - 1 - warmup;
  return span < 1 ? [] : Array.from({ length: PROBES }, (_, k) => warmup + Math.floor((span * (k + 1)) / (PROBES + 1)));
}

function same(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= RELATIVE * Math.max(Math.abs(a), Math.abs(b)) + RELATIVE * RELATIVE;
}

function scaleBar(bar: Bar, factor: number): Bar {
  const { open, high, low, close } = bar;
  return { ...bar, open: open * factor, high: high * factor, low: low * factor, close: close * factor };
}
