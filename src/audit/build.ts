import type { Audit } from "./schema.js";
import type { AuditRows, AuditSplit, CheckResult, Finding } from "./subject.js";

export interface AuditInput {
  kind: Audit["kind"];
  runId: string | null;
  /** File names. */
  sources: readonly string[];
  rows: AuditRows;
  splits: readonly AuditSplit[];
  checks: readonly CheckResult[];
  notices: readonly string[];
  seconds: number;
}

/** The audit of one symbol, the gravest findings first. */
export function buildAudit({ kind, runId, sources, rows, splits, checks, notices, seconds }: AuditInput): Audit {
  const all = checks.flatMap(({ findings }) => findings);
  const findings = [
    ...all.filter(({ verdict }) => verdict === "certain"),
    ...all.filter(({ verdict }) => verdict === "suspect"),
  ];
  return {
    format: 1,
    head_line: headLine(findings),
    verdict: gravest(findings),
    symbol: rows.symbol,
    kind,
    run_id: runId,
    sources: [...sources],
    rows: rows.rows,
    features: rows.features.length,
    horizons: [...rows.horizons],
    splits: splits.map(({ name, fit, held }) => ({
      name,
      fitted: fit.length,
      held: held.map((part) => ({ name: part.name, rows: part.rows.length })),
    })),
    checks: checks.map(({ check, looked, skipped, findings: own }) => ({
      check,
      looked,
      verdict: skipped && own.length === 0 ? "skipped" : gravest(own),
    })),
    findings: findings.map((found) => ({ ...found, rows: [...found.rows] })),
    notices: [...notices],
    seconds,
  };
}

function gravest(findings: readonly Finding[]): "certain" | "suspect" | "none" {
  if (findings.some(({ verdict }) => verdict === "certain")) return "certain";
  return findings.length > 0 ? "suspect" : "none";
}

function headLine(findings: readonly Finding[]): string {
  const certain = findings.filter(({ verdict }) => verdict === "certain").length;
  const suspect = findings.length - certain;
  const suspects = suspect === 0 ? "" : `${suspect} suspect${suspect === 1 ? "" : "s"}`;
  if (certain > 0) {
    const also = suspects === "" ? "" : `, and ${suspects}`;
    return `Leaks? CERTAIN: ${certain} finding${certain === 1 ? "" : "s"}${also}`;
  }
  return suspect > 0 ? `Leaks? SUSPECT: ${suspects}, none certain` : "Leaks? NONE FOUND";
}
