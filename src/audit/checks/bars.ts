import type { RemadeRows } from "../../prepare/index.js";
import { FoldwiseError, NO_LABEL } from "../../types/index.js";
import { type ColumnOptions, eachColumn } from "../columns.js";
import { type AuditRows, type CheckResult, type Finding, finding, SHOWN_ROWS } from "../subject.js";
import { isoTime, list, number } from "../words.js";

/** Of a feature's deviation, and of the value itself: what a stream that begins elsewhere may differ by. */
const NEAR = 1e-5;
/** Of the rows compared: below it, a border of the file explains what differs. */
const FEW = 0.001;
/** Bars ahead, and back, that a feature which differs is compared with. */
const SHIFTS = 10;
const SAME_SHARE = 0.95;
/** Of the rows that must have a bar. */
const COVERED = 0.5;

/**
 * Features and labels computed again from bars, each feature by a stream that had seen no later bar. A column that equals the values
 * of a later row knew bars that had not closed: that is certain.
 *
 * @throws FoldwiseError `data.other_bars` where most rows have no bar at their time.
 */
export async function checkBars(
  source: AuditRows,
  remade: RemadeRows,
  options: ColumnOptions = {},
): Promise<CheckResult> {
  const at = aligned(source, remade);
  const compared = at.reduce((count, row) => count + (row >= 0 ? 1 : 0), 0);
  if (compared < COVERED * source.rows) {
    throw new FoldwiseError(
      "data.other_bars",
      `Of ${source.rows} rows ${compared} have a bar at their time: these are not the bars that ${source.symbol} was made from.`,
      { remedy: "Give the file that `foldwise prepare` was given.", details: { rows: source.rows, found: compared } },
    );
  }
  const F = remade.featureNames.length;
  const indexOf = new Map(remade.featureNames.map((name, j) => [name, j]));
  const findings: Finding[] = [];
  const unknown: string[] = [];
  const differing: Finding[] = [];
  await eachColumn(
    source,
    (feature, values) => {
      const name = source.features[feature]!;
      const j = indexOf.get(name);
      if (j === undefined) {
        unknown.push(name);
        return;
      }
      const again = Float32Array.from(remade.timestamps, (_, row) => remade.X[row * F + j]!);
      const found = compare(source, name, values, again, at, compared);
      if (found?.verdict === "certain") findings.push(found);
      else if (found !== null) differing.push(found);
    },
    options,
  );
  const known = source.features.length - unknown.length;
  findings.push(...together(differing, known), ...labelFindings(source, remade, at));
  const rest = unknown.length === 0 ? "" : `; not known how to compute: ${list(unknown)}`;
  const looked = `${number(known - differing.length - findings.filter(({ verdict, feature }) => verdict === "certain" && feature !== null).length)} of ${number(known)} features are what the bars give on ${number(compared)} rows${rest}`;
  return { check: "bars", looked, skipped: false, findings };
}

/** (N) row among those made again with the same stamp; −1 where there is none. */
function aligned({ timestamps }: AuditRows, remade: RemadeRows): Int32Array {
  let k = 0;
  return Int32Array.from(timestamps, (stamp) => {
    while (k < remade.timestamps.length && remade.timestamps[k]! < stamp) k++;
    return remade.timestamps[k] === stamp ? k : -1;
  });
}

function compare(
  source: AuditRows,
  name: string,
  values: Float32Array,
  again: Float32Array,
  at: Int32Array,
  compared: number,
): Finding | null {
  const unit = deviationOf(again);
  const same = (a: number, b: number): boolean =>
    (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= NEAR * (unit + Math.abs(b));
  const off: number[] = [];
  let largest = 0;
  for (let row = 0; row < at.length; row++) {
    if (at[row]! < 0 || same(values[row]!, again[at[row]!]!)) continue;
    off.push(row);
    largest = Math.max(largest, Math.abs(values[row]! - again[at[row]!]!) / (unit || 1));
  }
  if (off.length <= FEW * compared) return null;
  for (let k = 1; k <= SHIFTS; k++) {
    for (const bars of [k, -k]) {
      const equal = off.filter((row) => same(values[row]!, again[at[row]! + bars] ?? Number.NaN)).length;
      if (equal < SAME_SHARE * off.length) continue;
      if (bars < 0)
        return differs(name, off, compared, largest, `; they are its values ${k} bar${k === 1 ? "" : "s"} before`);
      const first = off[0]!;
      return finding(
        "bars",
        "certain",
        `${name} is ${k} bar${k === 1 ? "" : "s"} ahead: on ${number(equal)} of ${number(compared)} rows it has the value that the bars give ${k === 1 ? "one row" : `${k} rows`} later. At ${isoTime(source.timestamps[first]!)} it is ${values[first]!}; bars up to then give ${again[at[first]!]!}.`,
        "Compute it from bars that have closed; prepare the data again.",
        {
          feature: name,
          evidence: {
            bars_ahead: k,
            rows: equal,
            of: compared,
            value: values[first]!,
            from_bars: again[at[first]!]!,
            timestamp: isoTime(source.timestamps[first]!),
          },
          rows: off.slice(0, SHOWN_ROWS),
        },
      );
    }
  }
  return differs(name, off, compared, largest, "");
}

function differs(name: string, off: readonly number[], compared: number, largest: number, how: string): Finding {
  return finding(
    "bars",
    "suspect",
    `${name} is not what the bars give, on ${number(off.length)} of ${number(compared)} rows, by up to ${largest.toPrecision(2)} of its deviation${how}.`,
    "Look at where it comes from, or prepare the data again from these bars.",
    {
      feature: name,
      evidence: { rows: off.length, of: compared, largest_in_deviations: Number(largest.toPrecision(4)) },
      rows: off.slice(0, SHOWN_ROWS),
    },
  );
}

/** Where most features differ the bars do: that is one thing, not as many. */
function together(differing: readonly Finding[], known: number): Finding[] {
  if (differing.length <= 5 || differing.length < known / 2) return [...differing];
  const names = differing.map(({ feature }) => feature!);
  return [
    finding(
      "bars",
      "suspect",
      `${number(differing.length)} of ${number(known)} features are not what these bars give: ${list(names)}. The rows were made from other bars, or by another version.`,
      "Give the bars that the data were prepared from, or prepare them again.",
      { evidence: { features: differing.length, of: known } },
    ),
  ];
}

function labelFindings(source: AuditRows, remade: RemadeRows, at: Int32Array): Finding[] {
  return remade.labels.flatMap(({ horizon, y, end }) => {
    if (!source.horizons.includes(horizon)) return [];
    const [labels, ends] = [source.labels(horizon), source.labelEnds(horizon)];
    const [other, early]: [number[], number[]] = [[], []];
    let compared = 0;
    for (let row = 0; row < at.length; row++) {
      const again = at[row]!;
      if (again < 0 || labels[row] === NO_LABEL || y[again] === NO_LABEL) continue;
      compared++;
      if (labels[row] !== y[again]) other.push(row);
      else if (ends[row]! < end[again]!) early.push(row);
    }
    const findings: Finding[] = [];
    if (other.length > FEW * compared) {
      findings.push(
        finding(
          "bars",
          "suspect",
          `${number(other.length)} of ${number(compared)} labels at horizon ${horizon} are not those that the bars give by the barriers of the pipeline.`,
          "Prepare the data again from these bars.",
          { horizon, evidence: { rows: other.length, of: compared }, rows: other.slice(0, SHOWN_ROWS) },
        ),
      );
    }
    const first = early[0];
    if (first !== undefined && early.length > FEW * compared) {
      findings.push(
        finding(
          "bars",
          "certain",
          `${number(early.length)} of ${number(compared)} labels at horizon ${horizon} end before their outcome was known: that of ${isoTime(source.timestamps[first]!)} says ${isoTime(ends[first]!)}, the bars ${isoTime(end[at[first]!]!)}. Purging by such ends leaves rows that leak.`,
          "Prepare the data again from these bars.",
          {
            horizon,
            evidence: {
              rows: early.length,
              of: compared,
              timestamp: isoTime(source.timestamps[first]!),
              label_end: isoTime(ends[first]!),
              from_bars: isoTime(end[at[first]!]!),
            },
            rows: early.slice(0, SHOWN_ROWS),
          },
        ),
      );
    }
    return findings;
  });
}

function deviationOf(values: Float32Array): number {
  let count = 0;
  let sum = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  const mean = sum / count;
  let squares = 0;
  for (const value of values) if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  return count === 0 ? 0 : Math.sqrt(squares / count);
}
