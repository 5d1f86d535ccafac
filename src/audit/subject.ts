import type { PartName, PipelineSpec, RowRange, Timestamps } from "../types/index.js";

/** Rows that are audited, whatever they come from: the dataset store, or a file that breaks the contract. */
export interface AuditRows {
  symbol: string;
  /** N. */
  rows: number;
  /** (F) names. */
  features: readonly string[];
  /** Ascending, in bars. */
  horizons: readonly number[];
  /** (N) ascending; of a file of the user's own, equal stamps may follow each other. */
  timestamps: Timestamps;
  /** (N), across which no two rows are neighbours. */
  piece: Int32Array;
  /** (N) in −1, 0, 1, `NO_LABEL`. */
  labels(horizon: number): Int8Array;
  /** (N), NaN where there is no label. */
  labelEnds(horizon: number): Timestamps;
  /** Were the ends in the file, or assumed to be H rows on? */
  ends(horizon: number): "given" | "derived";
  /** (N) simple return of the label. */
  returns(horizon: number): Float32Array | null;
  /** (N) a price of each row, for the returns of single bars. */
  price: { values: Float64Array; name: string } | null;
  /** Row-major (to − from, F). */
  read(from: number, to: number): Promise<Float32Array>;
  /** How the features were made from bars; null for rows that `prepare` did not write. */
  pipeline: PipelineSpec | null;
  parts: Record<PartName, RowRange> | null;
}

/** Rows that something is learned from, and those that it is judged by. */
export interface AuditSplit {
  name: string;
  /** Ascending. */
  fit: Int32Array;
  /** Rows that ended training, served to choose or calibrate, or tested; ascending. */
  held: readonly { name: string; rows: Int32Array }[];
  /**
   * Further rows that a scaler may have been fitted on without a leak: those of the training part that were purged or embargoed
   * afterwards.
   */
  mayScale?: Int32Array;
  /** False for rows that end training or calibrate: no scaler is fitted on them. */
  scales?: false;
}

export const CHECKS = [
  "overlap",
  "ends",
  "duplicates",
  "scaling",
  "look_ahead",
  "single_feature",
  "bars",
  "run",
] as const;
export type CheckName = (typeof CHECKS)[number];

export type Verdict = "certain" | "suspect";

/** One leak, or what looks like one. */
export interface Finding {
  check: CheckName;
  verdict: Verdict;
  split: string | null;
  horizon: number | null;
  feature: string | null;
  message: string;
  remedy: string;
  /** The numbers behind the message. */
  evidence: Record<string, number | string | null>;
  /** Some of the rows, from 0. */
  rows: readonly number[];
}

/** What one check looked at, and what it found. */
export interface CheckResult {
  check: CheckName;
  /** In a few words: what was looked at, or why nothing was. */
  looked: string;
  skipped: boolean;
  findings: Finding[];
}

/** Rows that a finding names. */
export const SHOWN_ROWS = 5;

/** A finding with nothing but what every one needs; the rest is filled in by the check. */
export function finding(
  check: CheckName,
  verdict: Verdict,
  message: string,
  remedy: string,
  more: Partial<Omit<Finding, "check" | "verdict" | "message" | "remedy">> = {},
): Finding {
  return {
    check,
    verdict,
    message,
    remedy,
    split: null,
    horizon: null,
    feature: null,
    evidence: {},
    rows: [],
    ...more,
  };
}
