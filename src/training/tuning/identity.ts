import { sha256 } from "../../files/index.js";
import { FoldwiseError } from "../../types/index.js";

/** What makes the values of two trials comparable: a study goes on only with all of it unchanged. */
export interface StudyIdentity {
  model: string;
  symbol: string;
  horizon: number;
  metric: string;
  /** Fingerprint of the stored dataset. */
  dataset: string;
  /** Digests of what is too long to be kept. */
  space: string;
  folds: string;
  settings: string;
  seeds: string;
  /** Which intermediate values its trials report. */
  reports: string;
}

/** How a user would name what differs. */
const NAMES: Record<keyof StudyIdentity, string> = {
  model: "another model",
  symbol: "another symbol",
  horizon: "another horizon",
  metric: "another metric",
  dataset: "another dataset",
  space: "another search space",
  folds: "other folds (scheme, folds, embargo or window)",
  settings: "other settings of what is not searched",
  seeds: "other seeds",
  reports: "other intermediate values, as another version of Foldwise has them",
};

export const digestOf = (value: unknown): string => sha256(JSON.stringify(value)).slice(0, 16);

/**
 * @param found User attributes of the study.
 * @throws FoldwiseError `usage.other_study` naming what differs.
 */
export function requireSame(found: Readonly<Record<string, unknown>>, wanted: StudyIdentity, file: string): void {
  const differs = (Object.keys(NAMES) as (keyof StudyIdentity)[]).filter((key) => found[key] !== wanted[key]);
  if (differs.length === 0) return;
  throw new FoldwiseError(
    "usage.other_study",
    `The study in ${file} was made for ${differs.map((key) => NAMES[key]).join(" and ")}.`,
    {
      remedy: "Begin a new one with --new (the old file is kept beside it), or give --studies DIR.",
      details: { differs, got: Object.fromEntries(differs.map((key) => [key, found[key] ?? null])) },
    },
  );
}
