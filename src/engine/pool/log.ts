import { mkdirSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { asWriteError } from "../../files/index.js";
import type { JobLog } from "../worker/state.js";

/** Where an entry comes from; null: the pool itself, no process yet, no job. */
export interface LogOrigin {
  worker: number | null;
  pid: number | null;
  job: string | null;
}

export interface WorkerLog {
  write: (origin: LogOrigin, log: JobLog) => void;
  close: () => void;
}

const PINO_LEVELS = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;

const load: NodeJS.Require = createRequire(import.meta.url);

/** What workers say before there is a file for it is kept up to so many entries. */
const KEPT_ENTRIES = 200;

/**
 * What workers say and print goes to `file`, a JSON object a line; without a file it goes nowhere. A file that is not known yet
 * is asked for at every entry. Throws `io.write_failed` for one that is known.
 */
export function openWorkerLog(file: (() => string | null) | null): WorkerLog {
  if (file === null) return NO_LOG;
  const known = file();
  return known === null ? laterLog(file) : openedLog(known);
}

const NO_LOG: WorkerLog = { write: () => {}, close: () => {} };

function laterLog(file: () => string | null): WorkerLog {
  const kept: [LogOrigin, JobLog][] = [];
  let log: WorkerLog | undefined;
  const open = (): WorkerLog | undefined => {
    const known = file();
    if (known === null) return undefined;
    try {
      log = openedLog(known);
    } catch {
      log = NO_LOG; // in the middle of a worker's words there is nobody to tell; failures quote the tail all the same
    }
    for (const entry of kept.splice(0)) log.write(...entry);
    return log;
  };
  return {
    write: (origin, entry) => {
      const opened = log ?? open();
      if (opened !== undefined) opened.write(origin, entry);
      else if (kept.length < KEPT_ENTRIES) kept.push([origin, entry]);
    },
    close: () => (log ?? (kept.length > 0 ? open() : undefined))?.close(),
  };
}

function openedLog(file: string): WorkerLog {
  // Here and not above: listing models, or a call that is refused, writes no log.
  const pino: typeof import("pino") = load("pino");
  const destination = pino.destination({ fd: openLog(file), sync: true });
  const logger = pino({ level: "debug", base: null }, destination);
  // A disk that fills up must not end the jobs: the log stops, the tail that failures quote goes on.
  destination.on("error", () => {
    logger.level = "silent";
  });
  return {
    write: (origin, { level, message }) => logger[PINO_LEVELS[level]](origin, message),
    close: () => destination.end(),
  };
}

function openLog(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return openSync(file, "a");
  } catch (cause) {
    throw asWriteError(file, cause);
  }
}
