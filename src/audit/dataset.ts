import { statSync } from "node:fs";
import { basename } from "node:path";
import {
  type DatasetFiles,
  locateDataset,
  locateFile,
  openDatasetFile,
  openStored,
  readMeta,
  readSplitTable,
  shares,
} from "../data/index.js";
import { remakeFromBars } from "../prepare/index.js";
import { type DateOrder, FoldwiseError, type StoredDataset } from "../types/index.js";
import { type AuditOptions, auditRows } from "./audit.js";
import { buildAudit } from "./build.js";
import { checkBars } from "./checks/bars.js";
import type { Audit } from "./schema.js";
import { rowsOfStored, rowsOfTable } from "./sources.js";
import { plannedSplits, wordSplits } from "./splits.js";
import type { AuditRows, AuditSplit, CheckResult } from "./subject.js";

export interface BarsOptions {
  /** The bars that the rows were prepared from. */
  bars?: string;
  rolls?: string;
  dateOrder?: DateOrder;
  /** Modules that compute some of the features. */
  featurePlugins?: readonly string[];
  cwd: string;
}

export interface DatasetAuditOptions extends AuditOptions, BarsOptions {
  /** Needed unless `data` names a file. */
  symbol?: string;
  /** A data folder, or one file; the default folders where absent. */
  data?: string;
  store?: string;
  /** The horizon that a plain `label` column takes. */
  horizon?: number;
  /** Columns that say train, val or test of each row. */
  splitColumns?: readonly string[];
}

interface Subject {
  kind: "dataset" | "split";
  rows: AuditRows;
  splits: AuditSplit[];
  notices: readonly string[];
}

/** What a strict reader refuses, and an audit has a finding for. */
const FOUND_LATER = ["data.label_end_before_row", "data.unsorted", "data.duplicate_timestamp", "data.parts_overlap"];

/**
 * Audits one symbol's rows. What `prepare` wrote is judged as `train` uses it, purged. Split files of the user's own
 * and rows with a split column are judged as they stand.
 *
 * @throws FoldwiseError `data.*`, `usage.*`.
 */
export async function auditDataset(options: DatasetAuditOptions): Promise<Audit> {
  const start = performance.now();
  const files = filesOf(options);
  const subject = await subjectOf(files, options);
  // Refused before the long work.
  requirePipeline(subject.rows, options);
  const checks = [...(await auditRows(subject.rows, subject.splits, options)), await barsOf(subject.rows, options)];
  return buildAudit({
    ...subject,
    runId: null,
    sources: files.files.map((path) => basename(path)),
    checks,
    seconds: (performance.now() - start) / 1000,
  });
}

function filesOf({ data, symbol }: DatasetAuditOptions): DatasetFiles {
  const found = data === undefined ? undefined : statSync(data, { throwIfNoEntry: false });
  if (data !== undefined && found?.isDirectory() !== true) {
    if (found?.isFile() !== true) {
      const what = found === undefined ? "there is no such file or folder" : "neither a file nor a folder";
      throw new FoldwiseError("data.not_found", `${data}: ${what}.`, { remedy: "Check the path of --data." });
    }
    const files = locateFile(data);
    return symbol === undefined ? files : { ...files, symbol };
  }
  if (symbol === undefined) {
    throw new FoldwiseError(
      "usage.symbol_required",
      data === undefined ? "Nothing is named to be audited." : `${data} is a folder: which symbol of it?`,
      {
        remedy: "Give --symbol NAME, or one file with --data, or the name of a run.",
      },
    );
  }
  return locateDataset(symbol, data);
}

async function subjectOf(files: DatasetFiles, options: DatasetAuditOptions): Promise<Subject> {
  const { splitColumns = [] } = options;
  const prepared = files.meta !== null && readMeta(files.meta).pipeline !== null;
  if (splitColumns.length > 0 || (files.layout === "splits" && !prepared)) return asMarked(files, options);
  try {
    const dataset = await open(files, options);
    const rows = rowsOfStored(dataset);
    const { parts, notices } = dataset.manifest;
    return { kind: "dataset", rows, splits: plannedSplits(rows, parts), notices };
  } catch (error) {
    if (prepared || !(error instanceof FoldwiseError) || !FOUND_LATER.includes(error.code)) throw error;
    return asMarked(files, options);
  }
}

async function open(files: DatasetFiles, options: DatasetAuditOptions): Promise<StoredDataset> {
  const { data, symbol, store, horizon } = options;
  const shared = { ...(store === undefined ? {} : { store }), ...(horizon === undefined ? {} : { horizon }) };
  if (data !== undefined && files.files[0] === locateFile(data).files[0]) {
    const dataset = await openDatasetFile(data, shared);
    if (dataset.manifest.horizons.length > 0) return dataset;
    throw new FoldwiseError("data.no_labels", `${data} has no label column.`, {
      remedy: "Add label_h{H} with -1, 0, 1 or null, or name the horizon of a plain `label` column with --horizon.",
    });
  }
  return openStored({ symbol: symbol!, ...(data === undefined ? {} : { data }), ...shared });
}

async function asMarked(
  files: DatasetFiles,
  { splitColumns = [], horizon, signal }: DatasetAuditOptions,
): Promise<Subject> {
  const table = await readSplitTable(files, { splitColumns, signal, ...(horizon === undefined ? {} : { horizon }) });
  const rows = rowsOfTable(table, files.meta === null ? null : readMeta(files.meta).pipeline);
  const notices = table.sorted
    ? table.notices
    : [...table.notices, "The rows were not in the order of time; they were sorted."];
  const marked = table.uses.flatMap(({ name, words }) => wordSplits(name, words));
  if (marked.length > 0) return { kind: "split", rows, splits: marked, notices };
  return { kind: "dataset", rows, splits: plannedSplits(rows, shares(rows.rows)), notices };
}

function requirePipeline({ pipeline, symbol }: AuditRows, { bars }: BarsOptions): void {
  if (bars === undefined || pipeline !== null) return;
  throw new FoldwiseError(
    "usage.no_pipeline",
    `How the features of ${symbol} are computed from bars is not known: \`foldwise prepare\` did not make them.`,
    {
      remedy: "Leave --bars out: a `close` or `entry_price` column in the rows serves the other checks.",
    },
  );
}

/** The proof by bars, where there are any. */
export async function barsOf(rows: AuditRows, options: BarsOptions & AuditOptions): Promise<CheckResult> {
  const { bars, rolls, dateOrder, featurePlugins, cwd, signal, onEvent } = options;
  requirePipeline(rows, options);
  if (bars === undefined || rows.pipeline === null) {
    const looked =
      rows.pipeline === null
        ? "the rows do not say how they are made from bars"
        : "nothing: --bars FILE proves whether features look ahead";
    return { check: "bars", looked, skipped: true, findings: [] };
  }
  onEvent?.({ event: "stage", stage: "audit", message: `${rows.symbol}: features once more, from ${bars}` });
  const remade = await remakeFromBars(rows.pipeline, bars, {
    cwd,
    ...(rolls === undefined ? {} : { rolls }),
    ...(dateOrder === undefined ? {} : { dateOrder }),
    ...(featurePlugins === undefined ? {} : { plugins: featurePlugins }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (step, total) => onEvent?.({ event: "progress", stage: "bars", step, total }),
  });
  return checkBars(rows, remade, { signal });
}
