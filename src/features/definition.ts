import { type Bar, FoldwiseError } from "../types/index.js";
import type { Scope } from "./scope.js";

export const FEATURE_GROUPS = ["returns", "volatility", "range", "momentum", "trend", "volume", "calendar"] as const;
export type FeatureGroup = (typeof FEATURE_GROUPS)[number];

/** The running state of one feature: one call a bar, in time order, the value at that bar's close. */
export interface FeatureState {
  push(bar: Bar): number;
}

/**
 * One column. Its values must be
 * - causal: a function of the bars pushed so far;
 * - scale-free: prices × c leave it unchanged;
 * - finite in memory: a function of the last `lookback` bars, so that a stream may start anywhere;
 * - defined: neither NaN nor infinite once `warmup` bars have gone before, flat prices and zero volume included.
 *
 * `checkFeature` probes all four.
 */
export interface FeatureDefinition {
  /** `rsi_14`; without a timeframe prefix. */
  name: string;
  group: FeatureGroup | "plugin";
  /** For people: what is computed. */
  formula: string;
  /** Bars of its own timeframe that a value depends on, the current one included. */
  lookback: number;
  /** Bars that must have gone before the first complete value. */
  warmup: number;
  /** A new state; features of one scope may share intermediate results (`shared`). */
  create(scope: Scope): FeatureState;
}

/** What a plug-in writes; `group` and `warmup` have defaults. */
export type FeatureInput = Omit<FeatureDefinition, "group" | "warmup"> &
  Partial<Pick<FeatureDefinition, "group" | "warmup">>;

/**
 * A feature of one's own, checked: the default export of a plug-in module is one of these, or an array of them.
 *
 * @throws `config.feature_definition` naming what is wrong with it.
 */
export function defineFeature(input: FeatureInput): FeatureDefinition {
  const definition = { group: "plugin", warmup: input.lookback - 1, ...input } as const;
  const problem = problemOf(definition);
  if (problem !== undefined) {
    throw new FoldwiseError(
      "config.feature_definition",
      `The feature "${String(input.name)}" is not valid: ${problem}.`,
      {
        remedy: "Correct the definition that is passed to defineFeature.",
        details: { name: input.name },
      },
    );
  }
  return definition;
}

function problemOf(d: FeatureDefinition): string | undefined {
  if (typeof d.name !== "string" || !/^[a-z][a-z0-9_]*$/.test(d.name)) {
    return "its name must start with a small letter and hold only small letters, digits and underscores";
  }
  if (!Number.isInteger(d.lookback) || d.lookback < 1) {
    return `lookback must be a whole number of bars ≥ 1, got ${d.lookback}`;
  }
  if (!Number.isInteger(d.warmup) || d.warmup < d.lookback - 1) {
    return `warmup must be a whole number of bars ≥ lookback − 1 = ${d.lookback - 1}, got ${d.warmup}`;
  }
  if (typeof d.create !== "function") return "create must be a function that returns {push(bar)}";
  return undefined;
}
