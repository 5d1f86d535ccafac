import { FoldwiseError, MICROS_PER_DAY } from "../types/index.js";
import type { FeaturesConfig } from "./config.js";
import type { FeatureDefinition } from "./definition.js";
import type { Indicator, IndicatorContext, IndicatorOutput } from "./indicator.js";
import { INDICATORS } from "./indicators/index.js";
import { durationText } from "./text.js";
import { parseTimeframe } from "./timeframe.js";

/** A column that the configuration asks for, before it is known whether the bars allow it. */
export interface Candidate {
  /** Column name, with the timeframe's prefix. */
  name: string;
  /** `1h`; null for the base bars. */
  timeframe: string | null;
  /** Length of its bars in microseconds; null for irregular base bars. */
  length: number | null;
  definition: FeatureDefinition;
  /** Base bars that must have gone before its first complete value. */
  warmup: number;
  /** Why these bars cannot have it. */
  refusal: string | undefined;
}

/** Every column of a configuration in column order: base bars by group, then each timeframe, then plug-ins. */
export function candidatesOf(
  config: FeaturesConfig,
  context: IndicatorContext,
  plugins: readonly FeatureDefinition[],
): Candidate[] {
  const { step, calendar } = context;
  const groups = new Set<string>(config.groups);
  const candidates = INDICATORS.filter((i) => groups.has(i.group)).flatMap((i) =>
    outputsOf(i, config.base[i.id], context).map((output) =>
      baseCandidate(complete(i, output), step, i.refuses?.(step)),
    ),
  );
  for (const timeframe of new Set(config.timeframes)) {
    const length = parseTimeframe(timeframe)!;
    const refusal = timeframeRefusal(timeframe, length, step);
    // A day's bars are those of its session.
    const longest = Math.min(length, calendar.longest);
    for (const indicator of INDICATORS) {
      if (!groups.has(indicator.group)) continue;
      for (const output of outputsOf(indicator, config.higher[indicator.id], { ...context, step: length })) {
        candidates.push(higherCandidate(complete(indicator, output), { timeframe, length, longest, step, refusal }));
      }
    }
  }
  if (groups.has("plugin")) candidates.push(...plugins.map((d) => baseCandidate(d, step, undefined)));
  refuseCollisions(candidates);
  return candidates;
}

function outputsOf(
  indicator: Indicator,
  setting: boolean | number[] | undefined,
  context: IndicatorContext,
): IndicatorOutput[] {
  if (indicator.kind === "periods") {
    return Array.isArray(setting) ? setting.flatMap((period) => indicator.features(period, context)) : [];
  }
  return setting === true ? indicator.features(context) : [];
}

function complete(indicator: Indicator, output: IndicatorOutput): FeatureDefinition {
  return { ...output, group: indicator.group, warmup: output.lookback - 1 };
}

function baseCandidate(definition: FeatureDefinition, step: number | null, refusal: string | undefined): Candidate {
  return { name: definition.name, timeframe: null, length: step, definition, warmup: definition.warmup, refusal };
}

interface Higher {
  timeframe: string;
  length: number;
  /** The longest bar that there can be, in microseconds. */
  longest: number;
  step: number | null;
  refusal: string | undefined;
}

function higherCandidate(definition: FeatureDefinition, { longest, step, ...higher }: Higher): Candidate {
  // One bucket more than it needs: the one in which the stream starts may be partial and is dropped.
  const buckets = definition.warmup + 2;
  const warmup = step === null ? 0 : buckets * Math.ceil(longest / step);
  return { name: `${higher.timeframe}_${definition.name}`, ...higher, definition, warmup };
}

function timeframeRefusal(timeframe: string, length: number, step: number | null): string | undefined {
  if (step === null) return `${timeframe} bars need base bars of a regular step`;
  if (step >= length) return `${timeframe} is not longer than the base bar (${durationText(step)})`;
  if (length % step !== 0 || MICROS_PER_DAY % step !== 0) {
    return `the base bar (${durationText(step)}) does not divide ${timeframe}`;
  }
  return undefined;
}

function refuseCollisions(candidates: readonly Candidate[]): void {
  const seen = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const other = seen.get(candidate.name);
    if (other !== undefined) {
      throw new FoldwiseError("config.feature_name_taken", `Two features are named "${candidate.name}".`, {
        remedy:
          candidate.definition.group === "plugin" || other.definition.group === "plugin"
            ? "Rename the plug-in's feature."
            : "Change the periods in features: so that each gives a name of its own.",
        details: { name: candidate.name },
      });
    }
    seen.set(candidate.name, candidate);
  }
}
