import { Calendar, UNKNOWN_HOURS } from "../market/index.js";
import { type FeatureSpec, FoldwiseError } from "../types/index.js";
import { type Candidate, candidatesOf } from "./candidates.js";
import { type FeaturesConfig, type FeaturesConfigInput, featuresConfigSchema } from "./config.js";
import type { FeatureDefinition } from "./definition.js";
import type { IndicatorContext } from "./indicator.js";
import { selectNames, unknownFeature } from "./select.js";

/** A feature may cost at most this share of the rows as warm-up. */
export const MAX_WARMUP_SHARE = 0.05;

export interface PlannedFeature {
  /** Column name, with the timeframe's prefix. */
  name: string;
  group: FeatureDefinition["group"];
  formula: string;
  /** `1h`; null for the base bars. */
  timeframe: string | null;
  /** Bars of its own timeframe that a value depends on. */
  lookback: number;
  /** Base bars that must have gone before its first complete value. */
  warmup: number;
  /** Length of its bars in microseconds; null for irregular base bars. */
  length: number | null;
  definition: FeatureDefinition;
}

export interface LeftOutFeature {
  name: string;
  /** `warmup`: too few rows. `bars`: bars of this step cannot have it. `volume`: there is none. */
  kind: "warmup" | "bars" | "volume";
  /** As a clause: "its warm-up of 288 bars is more than 5 % of 5000 rows". */
  reason: string;
}

/** Which columns are computed, in which order. Made by {@link planFeatures}; made again by {@link planFromSpec}. */
export interface FeaturePlan {
  features: PlannedFeature[];
  leftOut: LeftOutFeature[];
  /** The largest of the features' warm-ups, in base bars: rows before it are not complete. */
  warmup: number;
  /** Step of the base bars in microseconds; null when irregular. */
  step: number | null;
  calendar: Calendar;
  /** What a pipeline stores to make the same plan again. */
  spec: FeatureSpec;
}

/** What kind of bars they are. */
export interface BarsKind {
  /** Modal step of the base bars in microseconds; null when they are irregular. */
  step: number | null;
  /** When the market trades; around the clock in UTC days by default. */
  calendar?: Calendar;
  /** Whether there may be bars outside of every session; false by default. */
  outside?: boolean;
}

export interface PlanOptions extends BarsKind {
  /** Rows of the dataset: a feature whose warm-up exceeds 5 % of them is left out. */
  rows: number;
  /** Whether the bars have a volume; without one its features are left out. True by default. */
  volume?: boolean;
  /** Features of the plug-ins that the configuration names, already loaded. */
  plugins?: readonly FeatureDefinition[];
}

/**
 * Chooses the columns for bars of a step and number: what the configuration selects, less what these bars cannot have.
 *
 * @throws `config.unknown_feature`, `config.feature_name_taken`, `config.no_features`.
 */
export function planFeatures(config: FeaturesConfigInput, options: PlanOptions): FeaturePlan {
  const parsed = featuresConfigSchema.parse(config);
  const { rows, volume = true, plugins = [] } = options;
  const context = contextOf(options);
  const candidates = candidatesOf(parsed, context, plugins);
  const names = candidates.map((c) => c.name);
  const selected = selectNames(names, parsed.include, parsed.exclude);
  const kept: Candidate[] = [];
  const leftOut: LeftOutFeature[] = [];
  for (const candidate of candidates) {
    if (!selected.has(candidate.name)) continue;
    const reason = leaveOut(candidate, rows, volume);
    if (reason === undefined) kept.push(candidate);
    else leftOut.push(reason);
  }
  if (kept.length === 0) {
    throw new FoldwiseError("config.no_features", `No feature is left for ${rows} rows.`, {
      remedy: "Use more bars, or shorten the periods and widen include: in features:.",
      details: { leftOut: leftOut.slice(0, 10) },
    });
  }
  return toPlan(kept, leftOut, parsed, context);
}

/**
 * The plan that made a dataset: the same columns in the same order, whatever the number of bars now.
 *
 * @throws `config.unknown_feature` when this version or the given plug-ins lack one of the columns.
 */
export function planFromSpec(
  spec: FeatureSpec,
  options: BarsKind & { plugins?: readonly FeatureDefinition[] },
): FeaturePlan {
  const parsed = featuresConfigSchema.parse(spec.config);
  const context = contextOf(options);
  const byName = new Map(candidatesOf(parsed, context, options.plugins ?? []).map((c) => [c.name, c]));
  const kept = spec.names.map((name) => {
    const candidate = byName.get(name);
    if (candidate === undefined) throw unknownFeature(name, [...byName.keys()]);
    if (candidate.refusal !== undefined) {
      throw new FoldwiseError("data.feature_impossible", `"${name}" cannot be computed: ${candidate.refusal}.`, {
        remedy: "Give bars of the step with which the dataset was prepared.",
        details: { name, step: options.step },
      });
    }
    return candidate;
  });
  return toPlan(kept, [], parsed, context);
}

function contextOf({ step, calendar, outside = false }: BarsKind): IndicatorContext {
  return { step, calendar: calendar ?? new Calendar(UNKNOWN_HOURS), outside };
}

function leaveOut(candidate: Candidate, rows: number, volume: boolean): LeftOutFeature | undefined {
  const { name, refusal, warmup, definition } = candidate;
  if (!volume && definition.group === "volume") return { name, kind: "volume", reason: "the bars have no volume" };
  if (refusal !== undefined) return { name, kind: "bars", reason: refusal };
  if (warmup > MAX_WARMUP_SHARE * rows) {
    return { name, kind: "warmup", reason: `its warm-up of ${warmup} bars is more than 5 % of ${rows} rows` };
  }
  return undefined;
}

function toPlan(
  kept: readonly Candidate[],
  leftOut: LeftOutFeature[],
  config: FeaturesConfig,
  { step, calendar }: IndicatorContext,
): FeaturePlan {
  const features = kept.map(({ name, timeframe, length, warmup, definition }) => ({
    name,
    timeframe,
    length,
    warmup,
    definition,
    group: definition.group,
    formula: definition.formula,
    lookback: definition.lookback,
  }));
  return {
    features,
    leftOut,
    warmup: features.reduce((max, f) => Math.max(max, f.warmup), 0),
    step,
    calendar,
    spec: { names: features.map((f) => f.name), config, plugins: config.plugins },
  };
}
