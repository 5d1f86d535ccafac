import { existsSync, mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathUnder } from "../../files/index.js";

/** `experiments/studies`, beside `experiments/runs`. */
export const studiesFolder = (runsDir: string, studies: string | undefined): string =>
  resolve(studies ?? join(dirname(resolve(runsDir)), "studies"));

/** Where a job's study lies, and beside it the folds of its trials. */
export interface StudyFiles {
  /** Optuna's SQLite file. */
  db: string;
  /** A folder for each configuration that was tried, named by its digest. */
  trials: string;
}

/** @param job Made of checked ids. */
export function studyFiles(folder: string, job: string): StudyFiles {
  mkdirSync(folder, { recursive: true });
  return { db: pathUnder(folder, `${job}.db`), trials: pathUnder(folder, `${job}.trials`) };
}

/**
 * Moves a study's file aside, whatever it holds: nothing is deleted.
 *
 * @returns Its new name, or null where there was none.
 */
export function setAside(db: string, why: "corrupt" | "before"): string | null {
  if (!existsSync(db)) return null;
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
  for (let attempt = 1; ; attempt++) {
    const name = `${basename(db)}.${why}-${stamp}${attempt === 1 ? "" : `-${attempt}`}`;
    const path = join(dirname(db), name);
    if (existsSync(path)) continue;
    renameSync(db, path);
    // What SQLite had not yet written back belongs to the file.
    for (const rest of ["-journal", "-wal", "-shm"]) {
      if (existsSync(`${db}${rest}`)) renameSync(`${db}${rest}`, `${path}${rest}`);
    }
    return path;
  }
}
