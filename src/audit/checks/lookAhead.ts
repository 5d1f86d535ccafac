import { type AuditRows, type CheckResult, type Finding, finding } from "../subject.js";
import { figure, number } from "../words.js";
import type { ColumnCheck } from "./columnCheck.js";
import { clip, correlation, type Target, targetsOf, unit } from "./leads.js";

/** Bars back with which the bars ahead are compared. */
const LAGS = 5;
/** Stretches of time whose sums give the standard error (batch means), robust to quiet and wild times. */
const BATCHES = 64;
/** Standard errors: beyond chance (1e-6 of Student's t, 63 degrees) for some thousand features, all leads and both targets. */
const SURE = 6.5;
/** So near 1 that the feature is the outcome itself. */
const SAME = 0.995;
/** Rows below which nothing is said. */
const FEW = 500;

/**
 * Features that move with returns still to come. What is compared is the news in a feature, what its own last value does not
 * explain, with the news in the returns: of a causal feature it goes with the newest return known and hardly with the next;
 * of one that was shifted by a bar it is the other way round. That is no proof, so it is suspect, but for a feature that is
 * the coming return itself.
 */
export function lookAheadCheck(source: AuditRows): ColumnCheck {
  const { targets, raw } = targetsOf(source);
  const enough = targets.length > 0 && source.rows >= FEW;
  const outcomes = source.horizons.flatMap((horizon) => {
    const values = source.returns(horizon);
    const scaled = values === null ? null : unit(values);
    return scaled === null ? [] : [{ horizon, values: scaled }];
  });
  const findings: Finding[] = [];
  const news = new Float64Array(source.rows);
  return {
    visit: (feature, values) => {
      if (!enough) return;
      const name = source.features[feature]!;
      const own = unit(values);
      if (own === null) return;
      const same = sameAs(name, own, raw, outcomes);
      if (same !== null) {
        findings.push(same);
        return;
      }
      if (!fillNews(source, values, news)) return;
      const clipped = unit(clip(news));
      if (clipped === null) return;
      const found = ahead(name, clipped, targets, source.price?.name ?? null);
      if (found !== null) findings.push(found);
    },
    finish: () => {
      const looked = enough
        ? `news in ${number(source.features.length)} features against ${targets.map(({ name }) => name).join(" and ")} to come (${source.price === null ? "no price in the rows" : `by ${source.price.name}`})`
        : `needs ${FEW} rows with a price, a return or a label`;
      return { check: "look_ahead", looked, skipped: !enough, findings } satisfies CheckResult;
    },
  };
}

function sameAs(
  name: string,
  values: Float64Array,
  raw: Float64Array | null,
  outcomes: readonly { horizon: number; values: Float64Array }[],
): Finding | null {
  const remedy = "Remove the column, or compute it from bars that have closed.";
  const next = raw === null ? 0 : correlation(values, raw, 1);
  if (Math.abs(next) >= SAME) {
    return finding(
      "look_ahead",
      "certain",
      `${name} is the return of the next bar (correlation ${figure(next, 4)}).`,
      remedy,
      {
        feature: name,
        evidence: { correlation: round(next), bars_ahead: 1 },
      },
    );
  }
  for (const { horizon, values: returns } of outcomes) {
    const own = correlation(values, returns, 0);
    if (Math.abs(own) < SAME) continue;
    return finding(
      "look_ahead",
      "certain",
      `${name} is the return of the label at horizon ${horizon} (correlation ${figure(own, 4)}).`,
      remedy,
      {
        feature: name,
        horizon,
        evidence: { correlation: round(own) },
      },
    );
  }
  return null;
}

const round = (value: number): number => Number(value.toFixed(5));

function ahead(name: string, news: Float64Array, targets: readonly Target[], price: string | null): Finding | null {
  // With whichever of them it goes: a fall makes the next days wild, and then news of falls are news of the past.
  let past = 0;
  for (const { innovations } of targets)
    for (let bars = 0; bars < LAGS; bars++) past = Math.max(past, Math.abs(correlation(news, innovations, -bars)));
  for (const target of targets) {
    let best = { bars: 0, value: 0 };
    for (const bars of target.leads) {
      const value = correlation(news, target.innovations, bars);
      if (Math.abs(value) > Math.abs(best.value)) best = { bars, value };
    }
    if (Math.abs(best.value) < Math.max(target.much, target.ofPast * past)) continue;
    const errors = standardErrors(news, target.innovations, best.bars);
    if (Math.abs(errors) < SURE) continue;
    return finding(
      "look_ahead",
      "suspect",
      `News in ${name} goes with ${target.ahead(best.bars)}: correlation ${figure(best.value)} (${figure(Math.abs(errors), 1)} standard errors); with past bars at most ${figure(past)}.`,
      "Check which bars it is computed from, or give the bars (--bars) for a proof. A feature moved up by a row looks like this.",
      {
        feature: name,
        evidence: {
          correlation_ahead: round(best.value),
          bars_ahead: best.bars,
          largest_with_past: round(past),
          standard_errors: round(errors),
          target: target.name,
          price,
        },
      },
    );
  }
  return null;
}

/** Residuals of f(t) on f(t − 1) over neighbouring rows, (N); false where the feature hardly varies. */
function fillNews({ piece, rows: n }: AuditRows, values: Float32Array, news: Float64Array): boolean {
  let count = 0;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  const neighbours = (row: number): boolean =>
    row > 0 && piece[row] === piece[row - 1] && !Number.isNaN(values[row]!) && !Number.isNaN(values[row - 1]!);
  // Around a value of its own: the sums of a column near 10 000 would lose what varies.
  const centre = values.find((value) => !Number.isNaN(value)) ?? 0;
  for (let row = 1; row < n; row++) {
    if (!neighbours(row)) continue;
    const x = values[row - 1]! - centre;
    const y = values[row]! - centre;
    count++;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  if (count < FEW / 2) return false;
  const variance = sxx - (sx * sx) / count;
  if (!(variance > 1e-12 * (sxx + Number.MIN_VALUE))) return false;
  const slope = (sxy - (sx * sy) / count) / variance;
  const level = (sy - slope * sx) / count;
  for (let row = 0; row < n; row++)
    news[row] = neighbours(row) ? values[row]! - centre - level - slope * (values[row - 1]! - centre) : Number.NaN;
  return true;
}

/** How many standard errors the mean product of x(t) and y(t + bars) is from 0. */
function standardErrors(x: Float64Array, y: Float64Array, bars: number): number {
  const sums = new Float64Array(BATCHES);
  const n = x.length - bars;
  for (let row = 0; row < n; row++) {
    sums[Math.floor((row / n) * BATCHES)]! += x[row]! * y[row + bars]!;
  }
  const mean = sums.reduce((sum, value) => sum + value, 0) / BATCHES;
  const variance = sums.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (BATCHES - 1);
  return mean / Math.sqrt(variance / BATCHES + Number.MIN_VALUE);
}
