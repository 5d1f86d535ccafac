import { existsSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolder, pathUnder } from "../../files/index.js";
import { FoldwiseError } from "../../types/index.js";

/** `experiments/studies`, beside `experiments/runs`. */
export const studiesFolder = (runsDir: string, studies: string | undefined): string =>
  resolve(studies ?? join(dirname(resolve(runsDir)), "studies"));

/** Makes the folder; throws `usage.studies_folder` where its name is that of something else, `io.write_failed`. */
export function makeStudiesFolder(folder: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) {
    throw new FoldwiseError("usage.studies_folder", `${folder} is no folder; studies are kept in a folder.`, {
      remedy: "Name another with --studies DIR (default: studies, beside the runs folder).",
    });
  }
  makeFolder(folder);
}

/** Where a job's study lies, and beside it the folds of its trials. */
export interface StudyFiles {
  /** Optuna's SQLite file. */
  db: string;
  /** A folder for each configuration that was tried, named by its digest. */
  trials: string;
}

/** @param job Made of checked ids. */
export function studyFiles(folder: string, job: string): StudyFiles {
  makeStudiesFolder(folder);
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
