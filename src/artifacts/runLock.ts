import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { asWriteError, isRunning, ownMark, type ProcessMark, renameIfFree, temporaryName } from "../files/index.js";

const markSchema = z.strictObject({ pid: z.int().positive(), host: z.string(), started: z.string().nullable() });

const OWNER = "owner.json";
const RELEASED = "released.json";
const NAME = /^lock\.(\d+)$/;

/** The right to change a run's folder. */
export interface RunLock {
  /** Leaves the run to whoever wants it next. */
  release(): void;
}

/**
 * Takes the run in `dir`, or names the process that has it.
 *
 * The owner is who made the highest `lock.N`. A dead owner is followed by making `lock.N+1`: a folder that appears whole, by one
 * rename, so of several processes that saw the same dead owner one gets it. Numbers are never used twice, because the highest folder
 * stays when it is released; a plain file that is deleted and made again would let a slow process delete its successor's.
 */
export function lockRun(dir: string): RunLock | { owner: ProcessMark } {
  for (;;) {
    const numbers = lockNumbers(dir);
    const last = Math.max(0, ...numbers);
    const owner = ownerOf(join(dir, `lock.${last}`));
    if (owner !== null && isRunning(owner)) return { owner };
    if (!makeLock(dir, last + 1)) continue;
    // Whoever read the folder before others came and went may have made a number that is not the highest any more.
    if (Math.max(...lockNumbers(dir)) > last + 1) {
      rmSync(join(dir, `lock.${last + 1}`), { recursive: true, force: true });
      continue;
    }
    for (const number of numbers) rmSync(join(dir, `lock.${number}`), { recursive: true, force: true });
    return lockOf(dir, last + 1);
  }
}

/** The living process that has the run, as far as this machine can know; null where there is none. */
export function lockOwner(dir: string): ProcessMark | null {
  const owner = ownerOf(join(dir, `lock.${Math.max(0, ...lockNumbers(dir))}`));
  // Of a process on another machine nothing can be known: it may be at work on a shared disk.
  return owner !== null && (owner.host !== hostname() || isRunning(owner)) ? owner : null;
}

/** The first lock, in a folder that nobody else knows yet; `dir` is the name that it will have. */
export function lockNewRun(temporary: string): (dir: string) => RunLock {
  makeLock(temporary, 1);
  return (dir) => lockOf(dir, 1);
}

/** Whether any process ever locked the run: runs of an early version have no locks. */
export const wasLocked = (dir: string): boolean => lockNumbers(dir).length > 0;

function lockOf(dir: string, number: number): RunLock {
  const folder = join(dir, `lock.${number}`);
  return {
    release: () => {
      try {
        // By renaming: it must work where the disk is full.
        renameSync(join(folder, OWNER), join(folder, RELEASED));
      } catch {
        // Released before, or the run's folder is gone; otherwise the end of this process releases it.
      }
    },
  };
}

function lockNumbers(dir: string): number[] {
  return readdirSync(dir).flatMap((name) => {
    const number = NAME.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** Null where it is released or was never made. */
function ownerOf(folder: string): ProcessMark | null {
  try {
    return markSchema.parse(JSON.parse(readFileSync(join(folder, OWNER), "utf8")));
  } catch {
    return null;
  }
}

/** False where another process was faster. */
function makeLock(dir: string, number: number): boolean {
  const path = join(dir, `lock.${number}`);
  const temporary = temporaryName(path);
  try {
    mkdirSync(temporary);
    writeFileSync(join(temporary, OWNER), `${JSON.stringify(ownMark())}\n`);
    return renameIfFree(temporary, path);
  } catch (cause) {
    // Who was faster may have cleaned up the run's temporary files, this one among them.
    if (existsSync(path)) return false;
    throw asWriteError(path, cause);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
