import type { Bar } from "../types/index.js";
import type { FeatureState } from "./definition.js";
import type { FeaturePlan, PlannedFeature } from "./plan.js";
import { Scope } from "./scope.js";
import { TimeframeAggregator } from "./timeframe.js";

/** The features of one timeframe: their states, where their values stand in a row, and the last values. */
class Track {
  private readonly states: FeatureState[];
  private readonly lookbacks: number[];
  private seen = 0;

  constructor(
    features: readonly PlannedFeature[],
    private readonly columns: readonly number[],
  ) {
    const scope = new Scope();
    this.states = features.map((f) => f.definition.create(scope));
    this.lookbacks = features.map((f) => f.lookback);
  }

  push(bar: Bar, row: Float32Array): void {
    const { states, columns, lookbacks } = this;
    const seen = ++this.seen;
    for (let i = 0; i < states.length; i++) {
      const value = states[i]!.push(bar);
      row[columns[i]!] = seen < lookbacks[i]! ? Number.NaN : value;
    }
  }
}

/**
 * Features as bars arrive. The batch is this stream: `computeFeatures` pushes all its bars.
 *
 * Values are NaN until a feature has seen its look-back; those of a higher timeframe hold until its next bar completes.
 */
export class FeatureStream {
  readonly names: readonly string[];
  private readonly row: Float32Array;
  private readonly base: Track;
  private readonly aggregators: TimeframeAggregator[] = [];

  constructor(plan: FeaturePlan) {
    this.names = plan.features.map((f) => f.name);
    this.row = new Float32Array(this.names.length).fill(Number.NaN);
    const groups = new Map<number | null, number[]>();
    plan.features.forEach((feature, column) => {
      const key = feature.timeframe === null ? null : feature.length;
      const columns = groups.get(key);
      if (columns === undefined) groups.set(key, [column]);
      else columns.push(column);
    });
    const track = (columns: number[]) =>
      new Track(
        columns.map((c) => plan.features[c]!),
        columns,
      );
    this.base = track(groups.get(null) ?? []);
    for (const [length, columns] of groups) {
      if (length === null || plan.step === null) continue;
      const higher = track(columns);
      this.aggregators.push(
        new TimeframeAggregator({ length, step: plan.step, calendar: plan.calendar }, (bar) =>
          higher.push(bar, this.row),
        ),
      );
    }
  }

  /** Takes the next bar and returns its row of features, (F) in the order of `names`; a fresh array. */
  push(bar: Bar): Float32Array {
    return this.advance({ ...bar }).slice();
  }

  /** As `push`, without copies: the bar is kept, the row returned is overwritten by the next call. */
  advance(bar: Bar): Float32Array {
    for (const aggregator of this.aggregators) aggregator.push(bar);
    this.base.push(bar, this.row);
    return this.row;
  }
}
