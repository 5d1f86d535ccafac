import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

/** What is run as a worker: the Python package, or a fixture. */
export interface WorkerCommand {
  file: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** Thread limits of the numerical libraries, before they are imported (design, section 4), and with how many it shares the machine. */
export function workerEnvironment({ threads, workers }: { threads: number; workers: number }): Record<string, string> {
  const n = String(threads);
  return {
    OMP_NUM_THREADS: n,
    MKL_NUM_THREADS: n,
    OPENBLAS_NUM_THREADS: n,
    NUMEXPR_NUM_THREADS: n,
    VECLIB_MAXIMUM_THREADS: n,
    // A thread that waits by spinning takes the core from the other workers. One worker alone is a fifth faster with it:
    // xgboost waits at the end of each of its many short parallel loops.
    ...(workers > 1 ? { OMP_WAIT_POLICY: "passive" } : {}),
    // CatBoost's allocator gives freed memory back after 10 ms, and a round asks for it again: a twelfth of its fit was page faults.
    MIMALLOC_PURGE_DELAY: process.env.MIMALLOC_PURGE_DELAY ?? "200",
    // Caches are a share of the machine's memory, divided by this.
    FOLDWISE_WORKERS: String(workers),
  };
}

/** Starts the process; a file that cannot be run is told by the child's `error` event. */
export function launch(command: WorkerCommand, share: { threads: number; workers: number }): ChildProcess {
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env, ...workerEnvironment(share) },
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    // A process group of its own: Ctrl-C in the terminal is for this process to act on, and a signal to the group reaches
    // what the worker has started. On Windows it would open a console.
    detached: process.platform !== "win32",
  });
  // A worker that dies between two writes makes EPIPE; its exit is what is reported.
  child.stdin?.on("error", () => {});
  return child;
}

/** Whether the child keeps this process alive: while it works, yes; while it idles, no. */
export function holdOpen(child: ChildProcess, hold: boolean): void {
  const pipes = [child.stdin, child.stdout, child.stderr].filter((pipe) => pipe instanceof Socket);
  for (const handle of [child, ...pipes]) {
    if (hold) handle.ref();
    else handle.unref();
  }
}
