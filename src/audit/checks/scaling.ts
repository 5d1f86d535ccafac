import { type AuditRows, type AuditSplit, type CheckResult, type Finding, finding } from "../subject.js";
import { list, number } from "../words.js";
import type { ColumnCheck } from "./columnCheck.js";
import { Fillings } from "./imputing.js";
import { candidatesOf, moments, type RowSet } from "./rowSets.js";

/**
 * How near mean 0 and deviation 1 must be. Columns that were standardised over these very rows and stored as float32 come within
 * 1e-7; of a feature that happens to be of that size one in ten million does.
 */
const EXACT = 2e-6;
/** Splits whose rows are looked at; more folds than these say the same again. */
const MOST_SPLITS = 10;
/** Columns of range 0 to 1 before it looks like a min–max scaler, and their share of all. */
const RANGED = { count: 3, share: 0.2 };

/**
 * Columns that come standardised (mean 0, deviation 1), or stretched from 0 to 1, over rows that are not all of the training part:
 * the scaler has seen what the model is judged by.
 */
export function scalingCheck(source: AuditRows, splits: readonly AuditSplit[]): ColumnCheck {
  const candidates = splits
    .filter(({ scales }) => scales !== false)
    .slice(0, MOST_SPLITS)
    .map(candidatesOf);
  /** Standardised over these rows: outside set → features. */
  const standardised = candidates.map(({ outside }) => outside.map((): number[] => []));
  const ranged = candidates.map((): number[] => []);
  const fillings = new Fillings(source, candidates);
  let fair = 0;
  return {
    visit: (feature, values) => {
      fillings.visit(feature, values);
      candidates.forEach(({ inside, outside }, c) => {
        if (inside.some(({ rows }) => isStandard(values, rows))) {
          fair++;
          return;
        }
        const k = outside.findIndex(({ rows }) => isStandard(values, rows));
        if (k >= 0) standardised[c]![k]!.push(feature);
        else if (isStretchedOutside(values, inside)) ranged[c]!.push(feature);
      });
    },
    finish: () => {
      const findings = candidates.flatMap(({ split, outside }, c) => [
        ...outside.flatMap(({ name }, k) => standardFinding(source, split, name, standardised[c]![k]!)),
        ...rangeFinding(source, split, ranged[c]!),
      ]);
      findings.push(...fillings.findings());
      const looked = `mean, deviation, range and fillings of ${number(source.features.length)} features over training and other rows${fair > 0 ? `; ${number(fair)} standardised on training rows alone` : ""}`;
      return { check: "scaling", looked, skipped: candidates.length === 0, findings } satisfies CheckResult;
    },
  };
}

/** By n or by n − 1. */
function isStandard(values: Float32Array, rows: Int32Array | null): boolean {
  const { n, mean, deviation } = moments(values, rows);
  if (n < 20 || Math.abs(mean) > EXACT) return false;
  return Math.abs(deviation - 1) < EXACT || Math.abs(deviation * Math.sqrt(n / (n - 1)) - 1) < EXACT;
}

/** From exactly 0 to exactly 1, each reached by one or two rows as a maximum is, and not within the training rows. */
function isStretchedOutside(values: Float32Array, inside: readonly RowSet[]): boolean {
  const all = range(values, null);
  if (all.low !== 0 || all.high !== 1 || all.atLow > 2 || all.atHigh > 2) return false;
  return inside.every(({ rows }) => {
    const own = range(values, rows);
    return own.low > 0 || own.high < 1;
  });
}

function range(
  values: Float32Array,
  rows: Int32Array | null,
): { low: number; high: number; atLow: number; atHigh: number } {
  const length = rows === null ? values.length : rows.length;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let atLow = 0;
  let atHigh = 0;
  for (let i = 0; i < length; i++) {
    const value = values[rows === null ? i : rows[i]!]!;
    if (value < low) {
      low = value;
      atLow = 1;
    } else if (value === low) atLow++;
    if (value > high) {
      high = value;
      atHigh = 1;
    } else if (value === high) atHigh++;
  }
  return { low, high, atLow, atHigh };
}

const REMEDY =
  "Fit the scaler on the training rows of each split alone, or leave features unscaled: models that need a scaler carry their own.";

function standardFinding(source: AuditRows, split: string, name: string, features: readonly number[]): Finding[] {
  if (features.length === 0) return [];
  const names = features.map((feature) => source.features[feature]!);
  return [
    finding(
      "scaling",
      features.length > 1 ? "certain" : "suspect",
      `${number(features.length)} of ${number(source.features.length)} features have mean 0 and deviation 1 over ${name}, and not over ${split}: their scaler was fitted on rows that the model is judged by. Features: ${list(names)}.`,
      REMEDY,
      {
        split,
        feature: names[0]!,
        evidence: { features: features.length, of: source.features.length, standardised_over: name, tolerance: EXACT },
      },
    ),
  ];
}

function rangeFinding(source: AuditRows, split: string, features: readonly number[]): Finding[] {
  if (features.length < RANGED.count) return [];
  const names = features.map((feature) => source.features[feature]!);
  const certain = features.length >= RANGED.share * source.features.length;
  return [
    finding(
      "scaling",
      certain ? "certain" : "suspect",
      `${number(features.length)} of ${number(source.features.length)} features reach from exactly 0 to exactly 1 over all rows, and not over ${split}: their scaler was fitted on rows that the model is judged by. Features: ${list(names)}.`,
      REMEDY,
      {
        split,
        feature: names[0]!,
        evidence: { features: features.length, of: source.features.length, stretched_over: "all rows" },
      },
    ),
  ];
}
