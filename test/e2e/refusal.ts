import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "vitest";
import type { CliResult } from "./cli.js";

/**
 * What every refusal has to be: the exit code (2 unless said otherwise), a message that matches each pattern, a line that says what to
 * do, and no stack trace.
 */
export function expectRefusal(result: CliResult, patterns: readonly RegExp[], code = 2): void {
  for (const pattern of patterns) expect(result.stderr).toMatch(pattern);
  expect(result.code, result.stderr).toBe(code);
  expect(result.stderr).toMatch(/^error: \S/m);
  expect(result.stderr, "the remedy").toMatch(/\n {2}\S.+\n/);
  expectNoStack(result);
}

/** Neither stream holds a line of a stack trace, or words that only a programmer understands. */
export function expectNoStack({ stdout, stderr }: CliResult): void {
  for (const text of [stdout, stderr]) {
    expect(text).not.toMatch(/^\s+at .+[:(]\d/m);
    expect(text).not.toMatch(/Unexpected failure|node:internal|Traceback \(most recent/);
  }
}

/** Paths of all files below a folder, relative to it and sorted; an absent folder has none. */
export function filesBelow(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Runs SQL statements in a DuckDB of their own: how tests write Parquet files of any shape. */
export async function duck(...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for (const statement of statements) await connection.run(statement);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Runs `work` on every item, `width` at a time: the command spends half of its life waiting. */
export async function eachOf<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
