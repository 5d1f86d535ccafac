import { mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import pino from "pino";
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

/** What workers say and print goes to `file`, a JSON object a line; without a file it goes nowhere. Throws `io.write_failed`. */
export function openWorkerLog(file: string | null): WorkerLog {
  if (file === null) return { write: () => {}, close: () => {} };
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
