import type { AuditSplit } from "../subject.js";

/** Rows that a scaler or an imputer may have been fitted on. */
export interface RowSet {
  name: string;
  /** Null: all. */
  rows: Int32Array | null;
}

export interface Candidates {
  split: string;
  /** What a scaler may have been fitted on. */
  inside: RowSet[];
  outside: RowSet[];
}

export function candidatesOf({ name, fit, held, mayScale }: AuditSplit): Candidates {
  const sets = held.map((part): RowSet => ({ name: `${name} and ${part.name}`, rows: union([fit, part.rows]) }));
  const all =
    held.length > 1
      ? [
          {
            name: `${name} and ${held.map((part) => part.name).join(", ")}`,
            rows: union([fit, ...held.map(({ rows }) => rows)]),
          },
        ]
      : [];
  const whole = mayScale === undefined ? [] : [{ name: `all of ${name}`, rows: union([fit, mayScale]) }];
  return {
    split: name,
    inside: [{ name, rows: fit }, ...whole],
    outside: [{ name: "all rows", rows: null }, ...all, ...sets],
  };
}

function union(sets: readonly Int32Array[]): Int32Array {
  return Int32Array.from(new Set(sets.flatMap((rows) => [...rows]))).sort();
}

/** Mean and standard deviation of the finite values; `rows` null: of all. */
export function moments(values: Float32Array, rows: Int32Array | null): { n: number; mean: number; deviation: number } {
  const length = rows === null ? values.length : rows.length;
  let n = 0;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const value = values[rows === null ? i : rows[i]!]!;
    if (Number.isNaN(value)) continue;
    sum += value;
    n++;
  }
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const value = values[rows === null ? i : rows[i]!]!;
    if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  }
  return { n, mean, deviation: Math.sqrt(squares / n) };
}
