/** What the end-to-end tests share: a small prepared MES, and reading what the command wrote. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, inject } from "vitest";
import { type CliOptions, type CliResult, emptyFolder, foldwise } from "./cli.js";

/** Enough rows for every part, few enough that a fit costs a moment. */
const BARS = 4000;
export const HORIZONS = [5, 20];
/** What `prepare` is given besides the bars: 27 features instead of 180. */
export const PREPARE_FLAGS = [
  "--bar-time",
  "close",
  "--layout",
  "both",
  "--horizons",
  HORIZONS.join(","),
  "--set",
  "features.timeframes=[]",
  "--set",
  "features.groups=[momentum,volatility]",
];

/**
 * A working folder with `bars.csv` and both layouts of MES under `data/`. The data are made once a `vitest run` and copied;
 * whoever comes second while they are made makes them too, and the first to finish wins.
 */
export async function preparedFolder(): Promise<string> {
  const shared = join(inject("scratch"), "prepared");
  if (!existsSync(shared)) {
    const making = mkdtempSync(join(inject("scratch"), "making-"));
    await succeeds(["demo-data", "--symbol", "MES", "--bars", String(BARS), "--out", "bars.csv"], { cwd: making });
    await succeeds(["prepare", "bars.csv", "--symbol", "MES", ...PREPARE_FLAGS], { cwd: making });
    try {
      renameSync(making, shared);
    } catch {
      rmSync(making, { recursive: true });
    }
  }
  const cwd = emptyFolder();
  cpSync(shared, cwd, { recursive: true, preserveTimestamps: true });
  return cwd;
}

/** The same rows as split files with nothing but timestamp, features, and label and weight of horizon 20. */
export async function bareSplits(cwd: string, out: string): Promise<void> {
  for (const part of ["train", "val", "test"]) {
    const from = join(cwd, "data", "splits", "scaled", `MES_${part}.parquet`);
    const to = join(out, `MES_${part}.parquet`);
    mkdirSync(dirname(to), { recursive: true });
    const columns = (await columnsOf(from)).map(({ name }) => name);
    const roles = /^(label|label_end|sample_weight|return)_h|^(entry_price|piece|open|high|low|close|volume)$/;
    const kept = [
      "timestamp",
      "label_h20",
      "sample_weight_h20",
      ...columns.slice(1).filter((name) => !roles.test(name)),
    ];
    await query(
      `COPY (SELECT ${kept.map((name) => `"${name}"`).join(", ")} FROM '${from}') TO '${to}' (FORMAT parquet)`,
    );
  }
}

/** Runs the command and expects exit code 0. */
export async function succeeds(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const result = await foldwise(args, options);
  expect(result.code, `foldwise ${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

export type Row = Record<string, unknown>;

/** Rows of a SQL query; 64-bit integers and stamps come as text. */
export async function query(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export async function columnsOf(parquet: string): Promise<{ name: string; type: string }[]> {
  const rows = await query(`DESCRIBE SELECT * FROM '${parquet}'`);
  return rows.map(({ column_name, column_type }) => ({ name: String(column_name), type: String(column_type) }));
}

export const predictionsOf = (run: string, job: string): Promise<Row[]> =>
  query(`SELECT * FROM '${join(run, "predictions", `${job}.parquet`)}' ORDER BY row`);

/** The largest |Δ| of the three probabilities between two prediction files, over the stamps of the first; all must be in the second. */
export async function largestDifference(
  a: string,
  b: string,
  rows = "true",
): Promise<{ rows: number; difference: number }> {
  const [found] = await query(
    `SELECT count(*)::INT AS rows, count(b.timestamp)::INT AS matched,
            max(greatest(abs(a.p_short - b.p_short), abs(a.p_neutral - b.p_neutral), abs(a.p_long - b.p_long))) AS difference
     FROM (SELECT * FROM '${a}' WHERE ${rows}) a LEFT JOIN '${b}' b USING (timestamp)`,
  );
  expect(found?.matched).toBe(found?.rows);
  return { rows: Number(found?.rows), difference: Number(found?.difference) };
}

export const readJson = (path: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  return value as Record<string, unknown>;
};
