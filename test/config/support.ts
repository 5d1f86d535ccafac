import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { FoldwiseError } from "../../src/types/index.js";

/** A working folder with these files, removed when the test ends. */
export function workingFolder(files: Record<string, string> = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "foldwise-config-")));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

/** The `FoldwiseError` that `action` throws. */
export function thrown(action: () => unknown): FoldwiseError {
  try {
    action();
  } catch (error) {
    if (error instanceof FoldwiseError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
