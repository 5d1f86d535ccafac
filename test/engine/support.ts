import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import {
  createPool,
  type EngineJob,
  type EnginePool,
  type PoolOptions,
  type RunOptions,
} from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { FoldwiseError } from "../../src/types/index.js";

export type FitJob = Extract<EngineJob, { type: "fit" }>;
export type PredictJob = Extract<EngineJob, { type: "predict" }>;

/** The command of an executable fixture in test/fixtures/workers. */
export function fixture(name: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, join(packageRoot(), "test", "fixtures", "workers", `${name}.mjs`), ...args];
}

/** A pool that is closed when the test ends. */
export function poolOf(command: [string, ...string[]], options: PoolOptions = {}): EnginePool {
  const pool = createPool({ command, cancelGraceMs: 200, killGraceMs: 200, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

export function fitJob(job: Partial<FitJob> = {}): FitJob {
  return {
    type: "fit",
    model: "xgboost",
    adapter: null,
    dataset: "dataset",
    horizon: 5,
    rows: { train: "rows.npy", stop: null },
    weights: null,
    class_scale: null,
    params: {},
    training: {},
    seed: 7,
    device: "cpu",
    out: "out",
    ...job,
  };
}

export function predictJob(model_dir = "out"): PredictJob {
  return {
    type: "predict",
    model: "xgboost",
    adapter: null,
    model_dir,
    x: "x.npy",
    rows: null,
    out: "p",
    device: "cpu",
  };
}

/** The typed error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<FoldwiseError> {
  const outcome = await promise.then(
    (value) => new Error(`It did not fail but gave ${JSON.stringify(value)}.`),
    (error: unknown) => error,
  );
  if (outcome instanceof FoldwiseError) return outcome;
  throw outcome;
}

/** Starts a job and resolves at its first progress, when it is surely running. */
export async function started(
  pool: EnginePool,
  job: EngineJob,
  options: RunOptions = {},
): Promise<{ finished: Promise<unknown> }> {
  let finished: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    finished = pool.run(job, { ...options, onProgress: () => resolve() });
    finished.catch(reject);
  });
  return { finished };
}

/** A program of its own that uses the built pool (test/fixtures/workers/host.mjs). */
export function startHost(
  manner: "idle" | "exit" | "busy",
  jobs: readonly EngineJob[],
  command: readonly string[] = [],
) {
  const [node, file] = fixture("host");
  const index = join(packageRoot(), "dist", "engine", "index.js");
  const args = [file!, index, manner, JSON.stringify(jobs), ...command];
  // A process group of its own, as a shell gives it, so that a test can do to it what Ctrl-C does.
  const child = spawn(node, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  return { child, line };
}

/** Engine workers among the children of a process (Linux). */
export function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const pids = children === "" ? [] : children.split(" ").map(Number);
  return pids.filter(
    (child) => isAlive(child) && readFileSync(`/proc/${child}/cmdline`, "utf8").includes("foldwise_engine"),
  );
}

/** Whether a process runs; a zombie that waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    // No /proc on this system, or gone meanwhile; the signal decides.
    return process.platform !== "linux";
  }
}
