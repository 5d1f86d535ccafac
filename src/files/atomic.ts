import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { FoldwiseError } from "../types/index.js";

/** The temporary name beside `path` under which it is written before the rename. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
}

/**
 * Writes `path` whole or not at all: temporary name in the same folder, synced, renamed, folder synced.
 * Throws `io.write_failed` (disk full, no permission) with nothing left under either name.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  replaceAtomic(path, (fd) => {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let done = 0; done < bytes.byteLength; )
      done += writeSync(fd, bytes, done, Math.min(bytes.byteLength - done, 1 << 30));
  });
}

/** As `writeFileAtomic`, for writers that stream: `write` gets the temporary file's descriptor. */
export function replaceAtomic(path: string, write: (fd: number) => void): void {
  const temporary = temporaryName(path);
  makeFolder(dirname(path));
  try {
    const fd = openSync(temporary, "wx");
    try {
      write(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    discardTemporary(temporary);
    throw asWriteError(path, cause);
  }
}

/**
 * Appends a line to a file of lines. One that was cut short by a kill or a full disk is ended first, so that it costs no other.
 * Throws `io.write_failed`.
 */
export function appendLine(path: string, line: string): void {
  try {
    const fd = openSync(path, "a+");
    try {
      const { size } = fstatSync(fd);
      const last = Buffer.alloc(1);
      const cut = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
      writeSync(fd, `${cut ? "\n" : ""}${line}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw asWriteError(path, cause);
  }
}

/**
 * Renames a folder that holds something; false where something of the new name is there already. Throws `io.write_failed`.
 * POSIX replaces none but an empty folder, so of two processes that want a name one gets it.
 */
export function renameIfFree(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (cause) {
    if (existsSync(to)) return false;
    throw asWriteError(to, cause);
  }
}

/** Makes a folder and those above it; throws `io.write_failed`. */
export function makeFolder(path: string): void {
  let top = resolve(path);
  if (existsSync(top) && statSync(top).isDirectory()) return;
  while (top !== dirname(top) && !existsSync(dirname(top))) top = dirname(top);
  try {
    // The topmost one alone first: Node's `recursive` never comes back where its parent answers that it is not there (/proc).
    makeOne(top);
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw asWriteError(path, cause);
  }
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (cause) {
    // Another process may have made it meanwhile.
    if (!existsSync(folder)) throw cause;
  }
}

/** Gives a finished temporary file, written by someone else (DuckDB, a worker), its final name. */
export function publishFile(temporary: string, path: string): void {
  try {
    const fd = openSync(temporary, "r+");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    discardTemporary(temporary);
    throw asWriteError(path, cause);
  }
}

/**
 * Gives a finished folder its final name. The folder that had the name goes only when the new one stands there, and keeps it where the
 * new one cannot. Throws `io.write_failed`.
 */
export function publishFolder(temporary: string, path: string): void {
  try {
    const old = existsSync(path) ? temporaryName(path) : null;
    if (old !== null) renameSync(path, old);
    try {
      renameSync(temporary, path);
    } catch (cause) {
      if (old !== null) renameSync(old, path);
      throw cause;
    }
    syncFolder(dirname(path));
    if (old !== null) rmSync(old, { recursive: true, force: true });
  } catch (cause) {
    throw asWriteError(path, cause);
  }
}

/**
 * Removes an unfinished temporary file after a failure. Where even that fails (its folder turned out to be a file, so nothing was
 * written) the first failure is the one to report.
 */
export function discardTemporary(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // The caller throws the cause.
  }
}

export function asWriteError(path: string, cause: unknown): FoldwiseError {
  if (cause instanceof FoldwiseError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new FoldwiseError("io.write_failed", `Could not write ${path}: ${message}`, {
    remedy: "Free disk space or check the folder's permissions; nothing was left under the final name.",
    cause,
  });
}

/** Makes renames in the folder last through a power cut. */
function syncFolder(folder: string): void {
  if (process.platform === "win32" || !existsSync(folder)) return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
