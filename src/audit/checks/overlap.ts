import { NO_LABEL, type Timestamps } from "../../types/index.js";
import { rowsMeeting } from "../../validation/index.js";
import { type AuditRows, type AuditSplit, type CheckResult, type Finding, finding, SHOWN_ROWS } from "../subject.js";
import { isoTime, number } from "../words.js";

const REMEDY =
  "Purge: leave out every training row whose label interval [t, label_end] meets that of a tested row, on both sides; then an embargo. `foldwise train` and `foldwise cv` do.";

/**
 * Label intervals [t, end] of training rows that meet one of a row that judges, for every split and horizon. López de Prado (2018),
 * chapter 7: such a row's label was decided by the same prices.
 *
 * Where the file has no ends they are taken as H rows on, which a label of barriers may not need. It needs one bar, whatever it is:
 * a row that meets the other part within one is certain, the others are suspect.
 */
export function checkOverlap(source: AuditRows, splits: readonly AuditSplit[]): CheckResult {
  const findings: Finding[] = [];
  let pairs = 0;
  for (const { name, fit, held } of splits) {
    for (const { name: other, rows } of held) {
      const both = common(fit, rows);
      pairs++;
      if (both.length > 0) {
        findings.push(
          finding(
            "overlap",
            "certain",
            `${number(both.length)} rows are fitted and judged by: ${name}, ${other}.`,
            "Give every row one use.",
            {
              split: `${name} / ${other}`,
              evidence: { rows: both.length },
              rows: [...both.subarray(0, SHOWN_ROWS)],
            },
          ),
        );
      }
      for (const horizon of source.horizons) {
        const found = meeting(source, { horizon, name, other, fit, rows });
        if (found !== null) findings.push(found);
      }
    }
  }
  const looked = `label intervals of ${number(pairs)} pair${pairs === 1 ? "" : "s"} of row sets at ${source.horizons.length} horizon${source.horizons.length === 1 ? "" : "s"}`;
  return { check: "overlap", looked, skipped: pairs === 0, findings };
}

function meeting(
  source: AuditRows,
  {
    horizon,
    name,
    other,
    fit,
    rows,
  }: { horizon: number; name: string; other: string; fit: Int32Array; rows: Int32Array },
): Finding | null {
  const { timestamps } = source;
  const labels = source.labels(horizon);
  const labelled = (of: Int32Array): Int32Array => of.filter((row) => labels[row] !== NO_LABEL);
  const [fitted, judged] = [labelled(fit), labelled(rows)];
  const ends = notBefore(source.labelEnds(horizon), timestamps);
  const leaking = rowsMeeting(timestamps, ends, fitted, judged);
  if (leaking.length === 0) return null;
  const given = source.ends(horizon) === "given";
  const within = given ? leaking : rowsMeeting(timestamps, nextStamps(timestamps), fitted, judged);
  const first = leaking[0]!;
  const assumed = given ? "" : ` (taken as ${horizon} rows on: the file has no label_end)`;
  return finding(
    "overlap",
    within.length > 0 ? "certain" : "suspect",
    `${number(leaking.length)} of ${number(fitted.length)} rows of ${name} have labels at horizon ${horizon} that share time with labels of ${other}${assumed}; the first is known at ${isoTime(timestamps[first]!)} and its label at ${isoTime(ends[first]!)}.`,
    REMEDY,
    {
      split: `${name} / ${other}`,
      horizon,
      evidence: {
        rows: leaking.length,
        of: fitted.length,
        label_ends: given ? "given" : "derived",
        ...(given ? {} : { rows_within_one_bar: within.length }),
        first_row: first,
        first_timestamp: isoTime(timestamps[first]!),
        first_label_end: isoTime(ends[first]!),
        judged_from: isoTime(timestamps[judged[0]!]!),
      },
      rows: [...leaking.subarray(0, SHOWN_ROWS)],
    },
  );
}

/** Ends that are before their row are another check's finding; here they count as the row's own moment. */
const notBefore = (ends: Timestamps, timestamps: Timestamps): Timestamps =>
  ends.map((end, row) => (end < timestamps[row]! ? timestamps[row]! : end));

/** (N) the next later stamp; a row's own for the last. */
function nextStamps(timestamps: Timestamps): Timestamps {
  const next = Float64Array.from(timestamps);
  for (let row = timestamps.length - 2; row >= 0; row--)
    next[row] = timestamps[row + 1]! > timestamps[row]! ? timestamps[row + 1]! : next[row + 1]!;
  return next;
}

/** Rows of both; ascending. */
function common(a: Int32Array, b: Int32Array): Int32Array {
  const inB = new Set(b);
  return a.filter((row) => inB.has(row));
}
