import type { Calendar } from "../market/index.js";
import type { FeatureDefinition, FeatureGroup, FeatureState } from "./definition.js";
import type { Scope } from "./scope.js";

/** What an indicator may know about the bars it is made for. */
export interface IndicatorContext {
  /** Length of its bars in microseconds; null when they are irregular. */
  step: number | null;
  /** When the market trades. */
  calendar: Calendar;
  /** Whether there are bars outside of every session. */
  outside: boolean;
}

/** One output of an indicator; the group comes from the indicator, the warm-up is look-back − 1. */
export type IndicatorOutput = Omit<FeatureDefinition, "group" | "warmup">;

interface IndicatorBase {
  /** Key in the configuration and, with the period, the name of its feature. */
  id: string;
  group: FeatureGroup;
  /** One line for the configuration's schema. */
  description: string;
  /** Why it makes no sense for bars of this step; undefined when it does. */
  refuses?: (step: number | null) => string | undefined;
}

/** An indicator with a period: the configuration holds the list of periods to compute. */
export interface PeriodIndicator extends IndicatorBase {
  kind: "periods";
  /** Default periods on the base bars, and on higher timeframes. */
  base: readonly number[];
  higher: readonly number[];
  /** Smallest period for which it is defined. */
  min: number;
  features(period: number, context: IndicatorContext): IndicatorOutput[];
}

/** An indicator without one: the configuration switches it on or off. `higher: null`: it exists on base bars only. */
export interface SwitchIndicator extends IndicatorBase {
  kind: "switch";
  base: boolean;
  higher: boolean | null;
  features(context: IndicatorContext): IndicatorOutput[];
}

export type Indicator = PeriodIndicator | SwitchIndicator;

/** The usual case: one output, named `{id}_{period}`. */
export function perPeriod(
  spec: Omit<PeriodIndicator, "kind" | "features"> & {
    formula: (n: number) => string;
    lookback: (n: number) => number;
    create: (n: number, scope: Scope) => FeatureState;
  },
): PeriodIndicator {
  const { formula, lookback, create, ...rest } = spec;
  return {
    kind: "periods",
    ...rest,
    features: (n) => [
      { name: `${spec.id}_${n}`, formula: formula(n), lookback: lookback(n), create: (scope) => create(n, scope) },
    ],
  };
}

/** An indicator of one output without a period, named as its id. */
export function single(
  spec: Omit<SwitchIndicator, "kind" | "features" | "base"> & {
    formula: string;
    lookback: number;
    create: (scope: Scope) => FeatureState;
  },
): SwitchIndicator {
  const { formula, lookback, create, ...rest } = spec;
  return { kind: "switch", base: true, ...rest, features: () => [{ name: spec.id, formula, lookback, create }] };
}
