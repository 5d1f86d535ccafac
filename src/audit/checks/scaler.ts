import { join } from "node:path";
import { z } from "zod";
import { readBundle, readBundleFile, SCALER_NAME } from "../../artifacts/index.js";
import { fittedRows, type PlannedJob, type PlannedSymbol } from "../../training/index.js";
import { FoldwiseError } from "../../types/index.js";
import { type ColumnOptions, eachColumn } from "../columns.js";
import { rangeRows } from "../splits.js";
import { type AuditRows, type Finding, finding } from "../subject.js";
import { list, number } from "../words.js";

const scalerSchema = z.object({
  median: z.array(z.number()),
  mean: z.array(z.number()),
  scale: z.array(z.number().positive()),
});
type Scaler = z.infer<typeof scalerSchema>;

/** Of the deviation. Rows of other sets differ by far more, rounding to float32 by far less. */
const NEAR = 1e-4;

interface RowSet {
  name: string;
  /** Ascending; null: all. */
  rows: Int32Array | null;
}

interface Scaled {
  job: PlannedJob;
  scaler: Scaler;
  /** The rows that its scaler may have seen. */
  own: Int32Array;
  /** Features whose statistics are not those of `own`. */
  odd: number[];
  /** The first set, of those that the scaler must not have seen, that they are the statistics of. */
  matches: Map<string, number[]>;
}

/**
 * Median, mean and deviation that a run's bundles hold, against those of the rows that their models were fitted on; where they
 * differ, against row sets that a careless fit would have taken.
 *
 * @returns `looked` null where no bundle has a scaler.
 */
export async function checkScalers(
  runDir: string,
  planned: PlannedSymbol,
  source: AuditRows,
  options: ColumnOptions = {},
): Promise<{ looked: string | null; findings: Finding[] }> {
  if (planned.kind !== "train") return { looked: null, findings: [] };
  const scaled: Scaled[] = [];
  for (const job of planned.jobs) {
    const scaler =
      job.job.bundle === null ? null : await readScaler(join(runDir, job.job.bundle), source.features.length);
    if (scaler === null) continue;
    scaled.push({
      job,
      scaler,
      own: fittedRows(planned.dataset, planned.plan.train, job),
      odd: [],
      matches: new Map(),
    });
  }
  if (scaled.length === 0) return { looked: null, findings: [] };
  await eachColumn(
    source,
    (feature, values) => {
      for (const one of scaled) if (!isOf(one.scaler, feature, statistics(values, one.own))) one.odd.push(feature);
    },
    options,
  );
  const doubtful = scaled.filter(({ odd }) => odd.length > 0);
  if (doubtful.length > 0) await explain(planned, source, doubtful, options);
  const looked = `imputer and scaler of ${scaled.map(({ job }) => job.job.job).join(", ")} against their training rows`;
  return { looked, findings: doubtful.flatMap((one) => judged(one, source)) };
}

async function readScaler(dir: string, features: number): Promise<Scaler | null> {
  const bundle = await readBundle(dir);
  if (bundle.manifest.files[SCALER_NAME] === undefined) return null;
  const parsed = scalerSchema.safeParse(JSON.parse(readBundleFile(bundle, SCALER_NAME).toString("utf8")));
  if (parsed.success && Object.values(parsed.data).every((values) => values.length === features)) return parsed.data;
  throw new FoldwiseError(
    "bundle.bad_scaler",
    `${SCALER_NAME} of ${dir} does not hold median, mean and scale of ${features} features.`,
    {
      remedy: "Train the model again.",
    },
  );
}

async function explain(
  planned: PlannedSymbol,
  source: AuditRows,
  doubtful: readonly Scaled[],
  options: ColumnOptions,
): Promise<void> {
  if (planned.kind !== "train") return;
  const { plan, dataset } = planned;
  const { parts } = dataset.manifest;
  const sets: RowSet[] = [
    { name: "all rows", rows: null },
    { name: "train, stop, calibrate and test", rows: joined(plan.train, plan.stop, plan.calibrate, plan.test) },
    { name: "train, stop and calibrate", rows: joined(plan.train, plan.stop, plan.calibrate) },
    { name: "train and stop", rows: joined(plan.train, plan.stop) },
    { name: "train and test", rows: joined(plan.train, plan.test) },
    { name: "the parts train and val, not purged", rows: joined(rangeRows(parts.train), rangeRows(parts.val)) },
    { name: "test", rows: plan.test },
    { name: "the part train, not purged", rows: rangeRows(parts.train) },
  ];
  const odd = doubtful.map((one) => new Set(one.odd));
  await eachColumn(
    source,
    (feature, values) => {
      if (!odd.some((features) => features.has(feature))) return;
      const found = sets.map(({ rows }) => statistics(values, rows));
      doubtful.forEach(({ scaler, matches }, i) => {
        if (!odd[i]!.has(feature)) return;
        const k = found.findIndex((each) => isOf(scaler, feature, each));
        const name = sets[k]?.name;
        if (name !== undefined) matches.set(name, [...(matches.get(name) ?? []), feature]);
      });
    },
    options,
  );
}

const joined = (...rows: Int32Array[]): Int32Array => Int32Array.from(rows.flatMap((each) => [...each]));

function judged({ job, odd, matches }: Scaled, source: AuditRows): Finding[] {
  const { job: name } = job.job;
  const F = source.features.length;
  const remedy = "Fit the scaler on the training rows of the split alone.";
  const findings = [...matches].map(([set, features]) =>
    finding(
      "scaling",
      "certain",
      `The scaler of ${name} holds the statistics of ${set}, not of the training rows, for ${number(features.length)} of ${number(F)} features: ${list(features.map((feature) => source.features[feature]!))}.`,
      remedy,
      {
        split: name,
        feature: source.features[features[0]!]!,
        evidence: { features: features.length, of: F, statistics_of: set },
      },
    ),
  );
  const explained = new Set([...matches.values()].flat());
  const open = odd.filter((feature) => !explained.has(feature));
  if (open.length === 0) return findings;
  return [
    ...findings,
    finding(
      "scaling",
      "suspect",
      `The scaler of ${name} does not hold the statistics of its training rows for ${number(open.length)} of ${number(F)} features, nor of any other rows that were tried: ${list(open.map((feature) => source.features[feature]!))}.`,
      remedy,
      { split: name, feature: source.features[open[0]!]!, evidence: { features: open.length, of: F } },
    ),
  ];
}

interface Statistics {
  median: number;
  mean: number;
  deviation: number;
}

/** Of a column whose missing values have the median's place, as the engines take them. */
function statistics(values: Float32Array, rows: Int32Array | null): Statistics {
  const taken = rows === null ? values.slice() : Float32Array.from(rows, (row) => values[row]!);
  const n = taken.length;
  const sorted = taken.filter((value) => !Number.isNaN(value)).sort();
  const known = sorted.length;
  const median = known === 0 ? 0 : (sorted[(known - 1) >> 1]! + sorted[known >> 1]!) / 2;
  let sum = (n - known) * median;
  for (let i = 0; i < known; i++) sum += sorted[i]!;
  const mean = sum / n;
  let squares = (n - known) * (median - mean) ** 2;
  for (let i = 0; i < known; i++) squares += (sorted[i]! - mean) ** 2;
  return { median, mean, deviation: Math.sqrt(squares / n) };
}

function isOf({ median, mean, scale }: Scaler, feature: number, own: Statistics): boolean {
  const size = Math.max(Math.abs(own.mean), Math.abs(own.median));
  // A column that does not vary is left at its own scale.
  const constant = own.deviation <= 1e-6 * size || own.deviation === 0;
  const unit = constant ? Math.max(size, 1) : own.deviation;
  const near = NEAR * unit + 1e-6 * size;
  return (
    Math.abs(median[feature]! - own.median) <= near &&
    Math.abs(mean[feature]! - own.mean) <= near &&
    (constant || Math.abs(scale[feature]! - own.deviation) <= near)
  );
}
