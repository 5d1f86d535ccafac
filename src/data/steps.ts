import type { Timestamps } from "../types/index.js";

/** Differences of neighbouring stamps, (N − 1). */
function differences(stamps: Timestamps): Float64Array {
  const steps = new Float64Array(Math.max(0, stamps.length - 1));
  for (let i = 0; i < steps.length; i++) steps[i] = stamps[i + 1]! - stamps[i]!;
  return steps;
}

/** Median difference of neighbouring stamps in µs; 0 below two stamps. */
export function medianStep(stamps: Timestamps): number {
  const sorted = differences(stamps).sort();
  return sorted.length === 0 ? 0 : sorted[sorted.length >> 1]!;
}

/** The most frequent difference; null where it is not at least half of them. */
export function modalStep(stamps: Timestamps): number | null {
  const sorted = differences(stamps).sort();
  // What makes up at least half of a sorted list stands in its middle; with an even count also one before it.
  for (const candidate of [sorted[sorted.length >> 1], sorted[(sorted.length - 1) >> 1]]) {
    if (candidate === undefined) return null;
    const count = sorted.reduce((n, difference) => (difference === candidate ? n + 1 : n), 0);
    if (2 * count >= sorted.length) return candidate;
  }
  return null;
}
