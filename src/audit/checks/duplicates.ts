import { throwIfAborted } from "../../types/index.js";
import type { ColumnOptions } from "../columns.js";
import { eachColumn } from "../columns.js";
import { type AuditRows, type AuditSplit, type CheckResult, finding, SHOWN_ROWS } from "../subject.js";
import { isoTime, number } from "../words.js";

const BLOCK = 4096;
/** Groups of equal rows whose values are looked at closely. */
const SAMPLED = 200;
/** So many features with a value that no other row has: no chance that two rows agree in all of them. */
const RARE = 3;

/**
 * Rows with equal features of which one is fitted and another judges. Rows of a market that stood still may be equal by nature:
 * it is certain where at least three features have a value that occurs in those rows only.
 */
export async function checkDuplicates(
  source: AuditRows,
  splits: readonly AuditSplit[],
  options: ColumnOptions = {},
): Promise<CheckResult> {
  const groups = await equalRows(source, options.signal);
  const looked = `features of ${number(source.rows)} rows, ${groups.length === 0 ? "no two alike" : `${number(groups.length)} group${groups.length === 1 ? "" : "s"} of equal rows`}`;
  const result: CheckResult = { check: "duplicates", looked, skipped: false, findings: [] };
  if (groups.length === 0) return result;
  for (const { name, fit, held } of splits) {
    for (const { name: other, rows } of held) {
      const use = new Uint8Array(source.rows);
      for (const row of fit) use[row] = 1;
      for (const row of rows) use[row] = (use[row] ?? 0) | 2;
      // A row that has both uses is the overlap's finding.
      const across = groups.filter(
        (group) => group.some((row) => use[row] === 1) && group.some((row) => use[row] === 2),
      );
      if (across.length === 0) continue;
      const rare = await rareValues(source, across.slice(0, SAMPLED), options.signal);
      const distinct = across.slice(0, SAMPLED).filter((_, i) => rare[i]! >= RARE);
      const certain = distinct.length > 0;
      const shown = (certain ? distinct[0] : across[0])!;
      const count = across.reduce((sum, group) => sum + group.filter((row) => use[row] === 2).length, 0);
      const [a, b] = [shown.find((row) => use[row] === 1)!, shown.find((row) => use[row] === 2)!];
      result.findings.push(
        finding(
          "duplicates",
          certain ? "certain" : "suspect",
          `${number(count)} rows of ${other} have the very features of a row of ${name}, such as row ${b} (${isoTime(source.timestamps[b]!)}) those of row ${a} (${isoTime(source.timestamps[a]!)})${certain ? "" : "; few values set them apart, so they may be alike by nature"}.`,
          "Remove the duplicates before the rows are split.",
          {
            split: `${name} / ${other}`,
            evidence: { rows: count, groups: across.length, features_with_a_value_of_their_own: Math.max(...rare) },
            rows: [a, b, ...shown.filter((row) => row !== a && row !== b)].slice(0, SHOWN_ROWS),
          },
        ),
      );
    }
  }
  return result;
}

/** Groups of rows whose features are the same bit for bit; −0 and 0, and all NaN, count as the same. Ascending. */
async function equalRows(source: AuditRows, signal: AbortSignal | undefined): Promise<number[][]> {
  const { rows: n, features } = source;
  const F = features.length;
  const firstOf = new Map<number, number>();
  const candidates = new Map<number, number[]>();
  for (let from = 0; from < n; from += BLOCK) {
    throwIfAborted(signal);
    const to = Math.min(n, from + BLOCK);
    const block = canonical(await source.read(from, to));
    const bits = new Uint32Array(block.buffer, block.byteOffset, block.length);
    for (let row = from; row < to; row++) {
      const key = hash(bits, (row - from) * F, F);
      const first = firstOf.get(key);
      if (first === undefined) {
        firstOf.set(key, row);
        continue;
      }
      const group = candidates.get(key);
      if (group === undefined) candidates.set(key, [first, row]);
      else group.push(row);
    }
  }
  const groups: number[][] = [];
  for (const rows of candidates.values()) groups.push(...(await reallyEqual(source, rows)));
  return groups.sort((a, b) => a[0]! - b[0]!);
}

/** 53 bits of two 32-bit hashes (FNV-1a and a multiplicative one). */
function hash(bits: Uint32Array, at: number, length: number): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let k = at; k < at + length; k++) {
    const value = bits[k]!;
    a = Math.imul(a ^ value, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b + value, 0x85ebca6b);
    b ^= b >>> 13;
  }
  return (a >>> 0) * 0x200000 + ((b >>> 0) >>> 11);
}

function canonical(values: Float32Array): Float32Array {
  const copy = values.slice();
  for (let i = 0; i < copy.length; i++) {
    const value = copy[i]!;
    if (value === 0) copy[i] = 0;
    else if (Number.isNaN(value)) copy[i] = Number.NaN;
  }
  return copy;
}

/** Equal hashes are only a hint. */
async function reallyEqual(source: AuditRows, rows: readonly number[]): Promise<number[][]> {
  const groups: { values: Float32Array; rows: number[] }[] = [];
  for (const row of rows) {
    const values = canonical(await source.read(row, row + 1));
    const same = groups.find((group) => group.values.every((value, j) => Object.is(value, values[j])));
    if (same === undefined) groups.push({ values, rows: [row] });
    else same.rows.push(row);
  }
  return groups.filter((group) => group.rows.length > 1).map((group) => group.rows);
}

/** Of each group, in how many features its value occurs in no other row. */
async function rareValues(
  source: AuditRows,
  groups: readonly (readonly number[])[],
  signal: AbortSignal | undefined,
): Promise<Int32Array> {
  const rare = new Int32Array(groups.length);
  await eachColumn(
    source,
    (_, values) => {
      const count = new Map<number, number>();
      for (const group of groups) count.set(values[group[0]!]!, 0);
      for (let row = 0; row < source.rows; row++) {
        const seen = count.get(values[row]!);
        if (seen !== undefined) count.set(values[row]!, seen + 1);
      }
      groups.forEach((group, i) => {
        const value = values[group[0]!]!;
        if (!Number.isNaN(value) && count.get(value) === group.length) rare[i]!++;
      });
    },
    { signal },
  );
  return rare;
}
