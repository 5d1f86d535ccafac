import { NO_LABEL, PART_NAMES } from "../../types/index.js";
import { type AuditRows, type CheckResult, type Finding, finding, SHOWN_ROWS } from "../subject.js";
import { isoTime, number, share } from "../words.js";

/** Of the labelled rows; below it, rounding and prices that do not move explain what is seen. */
const FEW = 0.001;
/** Labels that end with a part's last bar, in a row, before they look clipped. */
const CLIPPED = 3;

/** Whether labels, their ends and their returns can be true together: purging trusts the ends. */
export function checkEnds(source: AuditRows): CheckResult {
  const findings = source.horizons.flatMap((horizon) =>
    [endBeforeRow(source, horizon), endAtRow(source, horizon), clipped(source, horizon), signs(source, horizon)].filter(
      (found) => found !== null,
    ),
  );
  const given = source.horizons.filter((horizon) => source.ends(horizon) === "given").length;
  const returns = source.horizons.filter((horizon) => source.returns(horizon) !== null).length;
  return {
    check: "ends",
    looked: `ends of labels at ${given} of ${source.horizons.length} horizons, signs of returns at ${returns}`,
    skipped: given + returns === 0,
    findings,
  };
}

function endBeforeRow(source: AuditRows, horizon: number): Finding | null {
  const [ends, times] = [source.labelEnds(horizon), source.timestamps];
  const rows = rowsWhere(source.rows, (row) => ends[row]! < times[row]!);
  const first = rows[0];
  if (first === undefined) return null;
  return finding(
    "ends",
    "certain",
    `${number(rows.length)} labels at horizon ${horizon} end before their row: the first at ${isoTime(ends[first]!)}, its row at ${isoTime(times[first]!)}. Nothing can be purged by such ends.`,
    "Write the moment at which each label's outcome was known.",
    {
      horizon,
      evidence: {
        rows: rows.length,
        first_row: first,
        timestamp: isoTime(times[first]!),
        label_end: isoTime(ends[first]!),
      },
      rows: rows.slice(0, SHOWN_ROWS),
    },
  );
}

function endAtRow(source: AuditRows, horizon: number): Finding | null {
  const [ends, times] = [source.labelEnds(horizon), source.timestamps];
  const labelled = labelledRows(source, horizon);
  const rows = rowsWhere(source.rows, (row) => ends[row] === times[row]);
  if (rows.length <= FEW * labelled) return null;
  return finding(
    "ends",
    "suspect",
    `${number(rows.length)} of ${number(labelled)} labels at horizon ${horizon} end with their own row: what is known at once is no outcome, and nothing would be purged.`,
    "Write the moment at which each label's outcome was known, the close of the bar that decided it.",
    { horizon, evidence: { rows: rows.length, of: labelled }, rows: rows.slice(0, SHOWN_ROWS) },
  );
}

/**
 * Ends that never pass a part's border, and heap up on its last bar: clipped there, they hide that the labels look into the next
 * part. Labels that end with the session of that bar do the same, so this is no proof.
 */
function clipped(source: AuditRows, horizon: number): Finding | null {
  const { parts, timestamps } = source;
  if (parts === null || source.ends(horizon) === "derived") return null;
  const [ends, labels] = [source.labelEnds(horizon), source.labels(horizon)];
  for (const name of PART_NAMES.slice(0, 2)) {
    const { start, end } = parts[name];
    const border = timestamps[end - 1]!;
    const rows = rowsWhere(end - start, (i) => ends[start + i] === border && labels[start + i] !== NO_LABEL).map(
      (i) => start + i,
    );
    const passes = rowsWhere(end - start, (i) => ends[start + i]! > border).length;
    // Elsewhere as many labels end at one bar only where a session does.
    const usual = mostAtOneBar(source, horizon, start, Math.max(start, end - 1 - horizon));
    if (passes > 0 || rows.length < CLIPPED || rows.length <= usual) continue;
    return finding(
      "ends",
      "suspect",
      `None of the labels of ${name} at horizon ${horizon} ends after its border, and ${number(rows.length)} end with its last bar (elsewhere at most ${number(usual)}): ends look clipped, which hides rows that must be purged.`,
      "Write ends as they are, also beyond the border; purging needs them.",
      {
        horizon,
        evidence: { part: name, rows: rows.length, elsewhere: usual, border: isoTime(border) },
        rows: rows.slice(-SHOWN_ROWS),
      },
    );
  }
  return null;
}

function mostAtOneBar(source: AuditRows, horizon: number, from: number, to: number): number {
  const ends = source.labelEnds(horizon);
  const at = new Map<number, number>();
  let most = 0;
  for (let row = from; row < to; row++) {
    const end = ends[row]!;
    if (Number.isNaN(end)) continue;
    const count = (at.get(end) ?? 0) + 1;
    at.set(end, count);
    if (count > most) most = count;
  }
  return most;
}

function signs(source: AuditRows, horizon: number): Finding | null {
  const returns = source.returns(horizon);
  if (returns === null) return null;
  const labels = source.labels(horizon);
  const rows = rowsWhere(source.rows, (row) => labels[row] !== NO_LABEL && labels[row]! * returns[row]! < 0);
  const directional = rowsWhere(source.rows, (row) => labels[row] === 1 || labels[row] === -1).length;
  const first = rows[0];
  if (first === undefined || rows.length <= FEW * directional) return null;
  return finding(
    "ends",
    "suspect",
    `${number(rows.length)} of ${number(directional)} long and short labels at horizon ${horizon} (${share(rows.length / directional)}) have a return_h${horizon} of the other sign: label and return are not of the same bars.`,
    "Make labels and returns from the same entry and exit; a shift by a row between them is the usual cause.",
    {
      horizon,
      evidence: {
        rows: rows.length,
        of: directional,
        first_row: first,
        label: labels[first]!,
        return: returns[first]!,
      },
      rows: rows.slice(0, SHOWN_ROWS),
    },
  );
}

function labelledRows(source: AuditRows, horizon: number): number {
  return source.labels(horizon).reduce((count, label) => count + (label === NO_LABEL ? 0 : 1), 0);
}

function rowsWhere(n: number, test: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = 0; row < n; row++) if (test(row)) rows.push(row);
  return rows;
}
