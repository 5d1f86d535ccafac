import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { FoldwiseError } from "../../src/types/index.js";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "foldwise-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The FoldwiseError that a promise fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<FoldwiseError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
