import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { FoldwiseError } from "../../types/index.js";
import { engineCommand } from "../environment/command.js";
import type { WorkerCommand } from "../worker/launch.js";
import { openWorkerLog, type WorkerLog } from "./log.js";
import { LocalPool } from "./pool.js";
import type { EnginePool, PoolOptions } from "./types.js";

/** Each of `workers` gets its share of the cores, at least one. */
export function threadsPerWorker(workers: number, cores: number = availableParallelism()): number {
  return Math.max(1, Math.floor(cores / workers));
}

/**
 * A pool of worker processes on this machine. Nothing is started, and Python is not looked for, before the first job. Idle workers do not
 * keep Node alive, and end with it.
 * Throws `usage.workers` for a count that is not a positive integer, `usage.heartbeat` for a `FOLDWISE_HEARTBEAT_MS` that is none.
 */
export function createPool(options: PoolOptions = {}): EnginePool {
  const workers = positive(options.workers ?? 1, "workers");
  const threads = positive(options.threads ?? threadsPerWorker(workers), "threads");
  const cwd = resolve(options.cwd ?? process.cwd());
  const logFile = logFileOf(options, cwd);
  const heartbeatTimeoutMs = options.heartbeatTimeoutMs ?? heartbeatOf(options.env ?? process.env);
  let log: WorkerLog | undefined;
  let command: WorkerCommand | undefined;
  return new LocalPool({
    workers,
    threadsPerWorker: threads,
    jobTimeoutMs: options.jobTimeoutMs ?? null,
    workerOptions: (slot) => {
      command ??= commandOf(options, cwd);
      log ??= openWorkerLog(logFile);
      return {
        command,
        threads,
        workers,
        startTimeoutMs: options.startTimeoutMs ?? 60_000,
        heartbeatTimeoutMs,
        cancelGraceMs: options.cancelGraceMs ?? 1_000,
        killGraceMs: options.killGraceMs ?? 2_000,
        logFile,
        onLog: (pid, job, entry) => log?.write({ worker: slot, pid, job }, entry),
      };
    },
    onRetry: (job, entry) => log?.write({ worker: null, pid: null, job }, entry),
    onClosed: () => log?.close(),
  });
}

function logFileOf({ logFile }: PoolOptions, cwd: string): (() => string | null) | null {
  if (logFile === undefined) return null;
  return () => {
    const file = typeof logFile === "string" ? logFile : logFile();
    return file === null ? null : resolve(cwd, file);
  };
}

function commandOf(options: PoolOptions, cwd: string): WorkerCommand {
  if (options.command === undefined) return engineCommand({ cwd, env: options.env ?? process.env });
  const [file, ...args] = options.command;
  return { file, args, env: {}, cwd };
}

function positive(value: number, what: "workers" | "threads"): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new FoldwiseError(`usage.${what}`, `${value} is not a number of ${what}.`, {
    remedy: `Give a whole number of ${what}, 1 or more.`,
  });
}

/** For machines that stand still longer than any healthy one (suspended, swapping), and for tests. */
function heartbeatOf({ FOLDWISE_HEARTBEAT_MS: text }: NodeJS.ProcessEnv): number {
  if (text === undefined || text === "") return 30_000;
  if (/^[1-9]\d{3,8}$/.test(text)) return Number(text);
  throw new FoldwiseError("usage.heartbeat", `FOLDWISE_HEARTBEAT_MS is ${JSON.stringify(text)}.`, {
    remedy: "Give whole milliseconds, 1000 or more, or unset it: workers send a heartbeat every second.",
  });
}
