import { type OnEvent, throwIfAborted } from "../types/index.js";
import { checkDuplicates } from "./checks/duplicates.js";
import { checkEnds } from "./checks/ends.js";
import { lookAheadCheck } from "./checks/lookAhead.js";
import { checkOverlap } from "./checks/overlap.js";
import { scalingCheck } from "./checks/scaling.js";
import { singleFeatureCheck } from "./checks/singleFeature.js";
import { eachColumn } from "./columns.js";
import type { AuditRows, AuditSplit, CheckResult } from "./subject.js";

export interface AuditOptions {
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
}

/** All checks that need nothing but rows and their uses. Features are streamed twice: by rows, and by columns. */
export async function auditRows(
  rows: AuditRows,
  splits: readonly AuditSplit[],
  { signal, onEvent }: AuditOptions = {},
): Promise<CheckResult[]> {
  const stage = (message: string): void => {
    throwIfAborted(signal);
    onEvent?.({ event: "stage", stage: "audit", message });
  };
  stage(`${rows.symbol}: labels, their ends, and rows that share them`);
  const first = [checkOverlap(rows, splits), checkEnds(rows)];
  stage(`${rows.symbol}: equal rows`);
  const duplicates = await checkDuplicates(rows, splits, { signal });
  stage(`${rows.symbol}: ${rows.features.length} features of ${rows.rows} rows`);
  const checks = [scalingCheck(rows, splits), lookAheadCheck(rows), singleFeatureCheck(rows)];
  await eachColumn(
    rows,
    (feature, values) => {
      for (const check of checks) check.visit(feature, values);
    },
    { signal, onProgress: (step, total) => onEvent?.({ event: "progress", stage: "features", step, total }) },
  );
  return [...first, duplicates, ...checks.map((check) => check.finish())];
}
