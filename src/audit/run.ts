import { basename } from "node:path";
import type { Run } from "../artifacts/index.js";
import { type PlannedSymbol, plannedOf } from "../training/index.js";
import { stopSlice } from "../validation/index.js";
import { type AuditOptions, auditRows } from "./audit.js";
import { buildAudit } from "./build.js";
import { checkRun } from "./checks/run.js";
import { checkScalers } from "./checks/scaler.js";
import { type BarsOptions, barsOf } from "./dataset.js";
import type { Audit } from "./schema.js";
import { rowsOfStored } from "./sources.js";
import { holdoutSplits } from "./splits.js";
import type { AuditSplit, CheckResult } from "./subject.js";

export interface RunAuditOptions extends AuditOptions, BarsOptions {
  /** Only this symbol; bars are those of one. */
  symbol?: string;
}

/**
 * Audits a finished run of `train` or `cv`, a symbol at a time: its data with the rows as the run used them, what it wrote down of
 * them, and the scalers in its bundles.
 *
 * @throws FoldwiseError what `plannedOf` and reading bundles and predictions throw.
 */
export async function auditRun(run: Run, options: RunAuditOptions): Promise<Audit[]> {
  const audits: Audit[] = [];
  const { cwd, symbol, onEvent } = options;
  const planned = await plannedOf(run, { cwd, onEvent, ...(symbol === undefined ? {} : { symbol }) });
  for (const each of planned) audits.push(await auditSymbol(run, each, options));
  return audits;
}

async function auditSymbol(run: Run, planned: PlannedSymbol, options: RunAuditOptions): Promise<Audit> {
  const start = performance.now();
  const rows = rowsOfStored(planned.dataset);
  const splits = splitsOf(planned);
  // First, for it refuses files that are damaged, and the features take long.
  const written = await checkRun(run.dir, planned);
  const checks = await auditRows(rows, splits, options);
  const scalers = await checkScalers(run.dir, planned, rows, { signal: options.signal });
  const all = [...withScalers(checks, scalers), await barsOf(rows, options), written];
  const { manifest } = planned.dataset;
  return buildAudit({
    kind: "run",
    runId: run.id,
    sources: manifest.sources.map(({ path }) => basename(path)),
    rows,
    splits,
    checks: all,
    notices: manifest.notices,
    seconds: (performance.now() - start) / 1000,
  });
}

function splitsOf(planned: PlannedSymbol): AuditSplit[] {
  if (planned.kind === "train") return holdoutSplits(planned.plan, planned.dataset.manifest.parts);
  const { plan, jobs } = planned;
  const stops = jobs.some((job) => job.kind === "cv" && job.report.folds.some(({ stop }) => stop !== null));
  return plan.folds.flatMap((fold): AuditSplit[] => {
    const name = `fold ${fold.fold + 1}`;
    const tested: AuditSplit = { name, fit: fold.train, held: [{ name: "test", rows: fold.test }] };
    if (!stops) return [tested];
    const { fit, stop } = stopSlice(plan, fold.train);
    return [tested, { name: `${name}, early stopping`, fit, held: [{ name: "stop", rows: stop }] }];
  });
}

function withScalers(
  checks: readonly CheckResult[],
  { looked, findings }: Awaited<ReturnType<typeof checkScalers>>,
): CheckResult[] {
  return checks.map((check) => {
    if (check.check !== "scaling") return check;
    return {
      ...check,
      looked: looked === null ? check.looked : `${check.looked}; ${looked}`,
      findings: [...check.findings, ...findings],
    };
  });
}
