import type { FitProgress } from "../../types/index.js";
import type { EngineJob, HelloRequest, HelloResult, JobResult } from "../protocol.js";
import type { JobLog } from "../worker/state.js";

export interface RunOptions {
  /** A job that waits is dropped at once; a running one is asked to stop, and its worker ended if it does not. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: FitProgress) => void) | undefined;
  /** What the worker says or prints while this job runs, and what the pool does about a crash. */
  onLog?: ((log: JobLog) => void) | undefined;
  /** Milliseconds, from the moment a worker gets the job. Default: the pool's `jobTimeoutMs`. */
  timeoutMs?: number | undefined;
  /** What errors and logs call the job besides its kind: `xgboost_MES_h20`. */
  label?: string | undefined;
}

/** A model by its id, and a plug-in's adapter file. */
export type EngineModel = HelloRequest["imports"][number];

/** What training needs of the engines. Another backend (a cluster) implements this, and nothing else changes. */
export interface EnginePool {
  /**
   * Runs one job on some worker, in the order of the calls. Rejects with `engine.worker_died`, `engine.out_of_memory`, `engine.hung`, `engine.timeout`,
   * `engine.flooded`, `engine.protocol`, `engine.start_failed`, `engine.not_installed`, `engine.failed.*`,
   * `config.engine_parameter`, `data.engine_refused` or `interrupted.aborted`. When the promise settles, nothing works on the job any more.
   * A worker that dies is replaced and its job tried once again; what a fit left in `out` is removed before.
   */
  run<J extends EngineJob>(job: J, options?: RunOptions): Promise<JobResult<J>>;
  /** Versions, devices and memory, as a worker of this pool finds them. Starts one if none runs. */
  hello(options?: Pick<RunOptions, "signal">): Promise<HelloResult>;
  /**
   * Starts workers (all by default) and lets them import the engines of `models`, while the caller makes their first jobs ready.
   * What goes wrong is not told here but by those jobs, which meet it again.
   */
  warm(models: readonly EngineModel[], workers?: number): void;
  /** Ends all workers; jobs that wait or run are rejected with `interrupted.aborted`. May be called twice. */
  close(): Promise<void>;
  /** How many jobs may run at once. */
  readonly workers: number;
  readonly threadsPerWorker: number;
}

export interface PoolOptions {
  /** Default 1. */
  workers?: number | undefined;
  /** Threads of each worker; default: an equal share of the cores. */
  threads?: number | undefined;
  /** Working folder: where `.foldwise/venv` is looked for, and what relative paths in jobs are relative to. */
  cwd?: string | undefined;
  /** Default: `process.env`; only `FOLDWISE_PYTHON`, `FOLDWISE_HEARTBEAT_MS` and `PYTHONPATH` are read. */
  env?: NodeJS.ProcessEnv | undefined;
  /** What to run instead of the Python package: program and arguments. For tests and for other workers of the same protocol. */
  command?: readonly [string, ...string[]] | undefined;
  /** From start to `ready`; default 60 000. */
  startTimeoutMs?: number | undefined;
  /** Silence that means a worker has hung; workers send a heartbeat every second. Default: `FOLDWISE_HEARTBEAT_MS`, or 30 000. */
  heartbeatTimeoutMs?: number | undefined;
  /** How long a cancelled or timed-out job may take to stop by itself; default 1 000. */
  cancelGraceMs?: number | undefined;
  /** Between SIGTERM and SIGKILL; default 2 000. */
  killGraceMs?: number | undefined;
  /** Limit of every job that does not bring its own; default: none. */
  jobTimeoutMs?: number | undefined;
  /**
   * Everything that workers say and print, one JSON object a line. A function is asked until it knows the file; what was said
   * before is kept for it.
   */
  logFile?: string | (() => string | null) | undefined;
}
