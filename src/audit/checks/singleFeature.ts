import { averageUniqueness } from "../../labels/index.js";
import { NO_LABEL } from "../../types/index.js";
import { type AuditRows, type CheckResult, type Finding, finding } from "../subject.js";
import { figure, number, share } from "../words.js";
import type { ColumnCheck } from "./columnCheck.js";

/** Bins of equal rows; one more holds missing values. */
const BINS = 32;
const CLASSES = 3;
/** A feature that tells so much of the label is the label, or was made from it. */
const DETERMINED = 0.9;
/** No honest feature tells so much of an outcome that is not known yet, unless the others do too. */
const MUCH = 0.1;
/** Times the 90th percentile of all features. */
const FAR = 4;
/** Labels that do not overlap, below which bins say nothing. */
const FEW_EFFECTIVE = 100;

interface Target {
  horizon: number;
  /** (N). */
  labels: Int8Array;
  effective: number;
  /** (F) share of the labels' entropy that the feature tells. */
  told: Float64Array;
}

/**
 * What each feature alone tells of the label: mutual information of its bins and the classes, as a share of the labels' entropy,
 * less what chance makes of as many bins and effective labels (Miller 1955). A label that stands among the features tells all of it.
 */
export function singleFeatureCheck(source: AuditRows): ColumnCheck {
  const F = source.features.length;
  const targets = source.horizons.map((horizon): Target => {
    const unique = averageUniqueness(source.timestamps, source.labelEnds(horizon));
    return {
      horizon,
      labels: source.labels(horizon),
      effective: unique.reduce((sum, value) => sum + value, 0),
      told: new Float64Array(F),
    };
  });
  const usable = targets.filter(({ effective }) => effective >= FEW_EFFECTIVE);
  const bins = new Uint8Array(source.rows);
  return {
    visit: (feature, values) => {
      if (usable.length === 0) return;
      fillBins(values, bins);
      for (const target of usable) target.told[feature] = shareTold(bins, target);
    },
    finish: () => {
      const looked =
        usable.length === 0
          ? `fewer than ${FEW_EFFECTIVE} labels that do not overlap`
          : `what each of ${number(F)} features alone tells of the label at ${usable.length} horizon${usable.length === 1 ? "" : "s"}; most: ${most(source, usable)}`;
      const findings = usable.flatMap((target) => judged(source, target));
      return { check: "single_feature", looked, skipped: usable.length === 0, findings } satisfies CheckResult;
    },
  };
}

function most(source: AuditRows, targets: readonly Target[]): string {
  let best = { feature: 0, value: -1 };
  for (const { told } of targets)
    for (const [feature, value] of told.entries()) if (value > best.value) best = { feature, value };
  return `${source.features[best.feature]} ${share(Math.max(0, best.value))}`;
}

function judged(source: AuditRows, { horizon, told, effective }: Target): Finding[] {
  const sorted = Float64Array.from(told).sort();
  const usual = Math.max(0, sorted[Math.floor(0.9 * (sorted.length - 1))]!);
  return [...told.entries()].flatMap(([feature, value]) => {
    const name = source.features[feature]!;
    const evidence = {
      share_of_entropy: round(value),
      ninetieth_percentile: round(usual),
      effective_labels: Math.round(effective),
    };
    if (value >= DETERMINED) {
      return [
        finding(
          "single_feature",
          "certain",
          `${name} alone tells ${share(value)} of the label at horizon ${horizon} (nine of ten features at most ${share(usual)}): it is the label, or was made from it.`,
          "Remove the column from the features.",
          { horizon, feature: name, evidence },
        ),
      ];
    }
    if (value < MUCH || value < FAR * usual) return [];
    return [
      finding(
        "single_feature",
        "suspect",
        `${name} alone tells ${share(value)} of the label at horizon ${horizon}, ${usual > 0 ? `${figure(value / usual, 1)} times` : "far more than"} what nine of ten features tell at most.`,
        "Look at how it is computed, and from which bars.",
        { horizon, feature: name, evidence },
      ),
    ];
  });
}

const round = (value: number): number => Number(value.toFixed(5));

/**
 * (N) bin of each value: by its quantile among 4 096 evenly spaced rows; few different values have a bin each. Missing values have
 * the last.
 */
function fillBins(values: Float32Array, bins: Uint8Array): void {
  const n = values.length;
  const step = Math.max(1, Math.floor(n / 4096));
  const sample = new Float32Array(Math.ceil(n / step));
  let count = 0;
  for (let row = 0; row < n; row += step) if (!Number.isNaN(values[row]!)) sample[count++] = values[row]!;
  const sorted = sample.subarray(0, count).sort();
  const edges = edgesOf(sorted);
  for (let row = 0; row < n; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) {
      bins[row] = BINS;
      continue;
    }
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle]! < value) low = middle + 1;
      else high = middle;
    }
    bins[row] = low;
  }
}

/** Ascending, at most BINS − 1: a value up to and with edge k is in bin k. */
function edgesOf(sorted: Float32Array): Float32Array {
  const different = new Set(sorted);
  if (different.size <= BINS) return Float32Array.from(different).subarray(0, -1);
  const edges = new Set<number>();
  for (let k = 1; k < BINS; k++) edges.add(sorted[Math.floor((k * sorted.length) / BINS)]!);
  return Float32Array.from(edges);
}

function shareTold(bins: Uint8Array, { labels, effective }: Target): number {
  const counts = new Float64Array((BINS + 1) * CLASSES);
  let n = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (label === NO_LABEL) continue;
    counts[bins[row]! * CLASSES + label + 1]!++;
    n++;
  }
  const ofClass = new Float64Array(CLASSES);
  const ofBin = new Float64Array(BINS + 1);
  counts.forEach((count, i) => {
    ofClass[i % CLASSES]! += count;
    ofBin[Math.floor(i / CLASSES)]! += count;
  });
  const entropy = sumOf(ofClass, (count) => -(count / n) * Math.log(count / n));
  if (entropy === 0) return 0;
  let information = 0;
  counts.forEach((count, i) => {
    if (count > 0)
      information += (count / n) * Math.log((count * n) / (ofBin[Math.floor(i / CLASSES)]! * ofClass[i % CLASSES]!));
  });
  const [usedBins, usedClasses] = [ofBin, ofClass].map((each) => each.filter((count) => count > 0).length);
  const chance = ((usedBins! - 1) * (usedClasses! - 1)) / (2 * effective);
  return Math.max(0, (information - chance) / entropy);
}

function sumOf(counts: Float64Array, term: (count: number) => number): number {
  return counts.reduce((sum, count) => sum + (count > 0 ? term(count) : 0), 0);
}
