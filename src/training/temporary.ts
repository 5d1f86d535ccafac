import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Temporary folders of models that were not disposed of; they go with the process. */
const temporary = new Set<string>();

/** A new folder, which goes with the process unless it is forgotten. */
export function makeTemporary(): string {
  if (temporary.size === 0) process.on("exit", removeTemporary);
  const dir = mkdtempSync(join(tmpdir(), "foldwise-model-"));
  temporary.add(dir);
  return dir;
}

/** Of a folder that its owner has removed. */
export function forgetTemporary(dir: string): void {
  if (temporary.delete(dir) && temporary.size === 0) process.off("exit", removeTemporary);
}

function removeTemporary(): void {
  for (const dir of temporary) rmSync(dir, { recursive: true, force: true });
  temporary.clear();
}
