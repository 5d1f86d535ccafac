/** The pool with the real Python worker: what is killed, stopped, flooded and cancelled here is the real thing. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  createPool,
  type EngineModel,
  type EnginePool,
  type JobLog,
  type PoolOptions,
} from "../../src/engine/index.js";
import { readNpy } from "../../src/files/index.js";
import { writeRows } from "./rows.js";
import { type FitJob, failureOf, fitJob, isAlive, started, startHost, workersOf } from "./support.js";

const ROWS = 4000;
const FEATURES = 12;
const STOP_FROM = 3200;
const scratch = mkdtempSync(join(tmpdir(), "foldwise-worker-"));
const shared = createPool();
afterAll(async () => {
  await shared.close();
  rmSync(scratch, { recursive: true });
});

const rows = writeRows(scratch, { rows: ROWS, features: FEATURES, stopFrom: STOP_FROM });

/** An xgboost fit of `rounds` rounds into a new folder. */
function realFit(rounds: number, job: Partial<FitJob> = {}): FitJob {
  const out = mkdtempSync(join(scratch, "out-"));
  return fitJob({
    dataset: scratch,
    rows,
    params: { objective: "multi:softprob", num_class: 3, max_depth: 3, learning_rate: 0.05 },
    training: { num_boost_round: rounds, early_stopping_rounds: null },
    out,
    ...job,
  });
}
/** Minutes: it ends only by being ended. */
const endless = (): FitJob => realFit(100_000);

/** A fit by a plug-in adapter, written here, whose `fit` runs `body`. */
function pluginFit(body: string): FitJob {
  const adapter = join(mkdtempSync(join(scratch, "adapter-")), "adapter.py");
  const methods = ["save", "load", "predict", "export_onnx"].map((name) => `    def ${name}(self, *a): ...\n`).join("");
  writeFileSync(
    adapter,
    `import os, sys, time\nclass Plugin:\n    native_file = "x"\n    def fit(self, task):\n        ${body}\n${methods}ADAPTER = Plugin()\n`,
  );
  return realFit(1, { model: "my_plugin", adapter });
}

/** The same without the seconds that importing an engine takes: a plug-in that reports progress for ever. */
const endlessPlugin = (): FitJob => pluginFit("while True: task.check(); task.progress(1, 2, {}); time.sleep(0.01)");

function ownPool(options: PoolOptions = {}): EnginePool {
  const pool = createPool(options);
  onTestFinished(() => pool.close());
  return pool;
}

/** The worker that this test's own pool has started; the shared pool's is another. */
const workersHere = (): number[] => workersOf(process.pid);

describe("a worker in health", () => {
  test("says what it has", async () => {
    const hello = await shared.hello();
    expect(hello.versions).toMatchObject({ python: expect.stringMatching(/^3\./), xgboost: expect.any(String) });
    expect(hello.devices).toContain("cpu");
    expect(hello.memory_bytes).toBeGreaterThan(1e8);
  });

  test("that is warmed imports engines before the first job, which tells what could not be imported", async () => {
    const [whole, broken] = ["print('imported', file=sys.stderr)", "import no_such_module"].map((line, i) => {
      const job = pluginFit("raise ValueError('fitted')");
      if (job.adapter === null) throw new Error("a plug-in has an adapter");
      writeFileSync(job.adapter, `import sys\n${line}\n${readFileSync(job.adapter, "utf8")}`);
      return { model: `plugin_${i}`, adapter: job.adapter };
    }) as [EngineModel, EngineModel];
    let logFile: string | null = null;
    const pool = ownPool({ logFile: () => logFile });
    pool.warm([broken, { model: "unheard_of", adapter: null }, whole]);
    await pool.hello();
    logFile = join(scratch, "warmed.log");
    expect((await failureOf(pool.run(realFit(1, whole)))).message).toContain("fitted");
    expect((await failureOf(pool.run(realFit(1, broken)))).message).toContain("no_such_module");
    const said = readFileSync(logFile, "utf8").match(/imported/g);
    expect(said).toEqual(["imported"]);
  });

  test("fits, predicts what it fitted, and exports it", async () => {
    const fit = realFit(20);
    const steps: number[] = [];
    const result = await shared.run(fit, { onProgress: ({ step }) => steps.push(step) });
    expect(result.classes).toEqual([-1, 0, 1]);
    expect(steps.at(-1)).toBeLessThanOrEqual(20);
    const fitted = readNpy(join(fit.out, result.files.train!), "<f4");
    expect(fitted.shape).toEqual([STOP_FROM, 3]);

    const out = join(fit.out, "p.npy");
    const model = { model: fit.model, adapter: null, model_dir: fit.out };
    const x = join(scratch, "X.npy");
    await shared.run({ type: "predict", ...model, x, rows: join(scratch, "train.npy"), out, device: "cpu" });
    expect(readNpy(out, "<f4").data).toEqual(fitted.data);

    const onnx = join(fit.out, "model.onnx");
    await shared.run({ type: "export", ...model, out: onnx, class_scale: null });
    expect(existsSync(onnx)).toBe(true);
  });

  test("refuses what the user wrote wrongly as the user's error", async () => {
    const parameter = await failureOf(shared.run(realFit(5, { params: { max_depth: -5 } })));
    expect([parameter.category, parameter.exitCode]).toEqual(["config", 2]);
    const data = await failureOf(shared.run(realFit(5, { dataset: join(scratch, "nowhere") })));
    expect([data.category, data.exitCode]).toEqual(["data", 2]);
    for (const { remedy } of [parameter, data]) expect(remedy).toBeTruthy();
  });

  test("lets a library print what it likes", async () => {
    const logs: JobLog[] = [];
    const inC = `import ctypes; ctypes.CDLL(None).puts(b"from C")`;
    const noise = `print("{}"); os.write(1, b"to descriptor 1\\n"); ${inC}; print("no end", end=""); raise ValueError("enough")`;
    const error = await failureOf(shared.run(pluginFit(noise), { onLog: (log) => logs.push(log) }));
    expect(error.code).toBe("engine.failed.internal");
    expect(error.message).toContain("enough");
    expect(logs.map((log) => log.message)).toEqual(["{}", "to descriptor 1", "from C", "no end"]);
  });

  test("runs beside another, each with its share of the cores", async () => {
    const pool = ownPool({ workers: 2 });
    expect(pool.threadsPerWorker).toBe(Math.max(1, Math.floor(availableParallelism() / 2)));
    const abort = new AbortController();
    const { signal } = abort;
    const both = await Promise.all([
      started(pool, endlessPlugin(), { signal }),
      started(pool, endlessPlugin(), { signal }),
    ]);
    abort.abort();
    const errors = await Promise.all(both.map(({ finished }) => failureOf(finished)));
    expect(errors.map(({ code }) => code)).toEqual(Array(2).fill("interrupted.aborted"));
  });
});

describe("cancelling", () => {
  test("ends a running fit within two seconds and keeps the worker", async () => {
    await shared.hello();
    const workers = workersHere();
    const abort = new AbortController();
    const { finished } = await started(shared, endless(), { signal: abort.signal });
    const start = performance.now();
    abort.abort();
    expect((await failureOf(finished)).code).toBe("interrupted.aborted");
    expect(performance.now() - start).toBeLessThan(2000);
    expect(workersHere()).toEqual(workers);
  });

  test("ends a fit that cannot be cancelled within two seconds", async () => {
    const pool = ownPool();
    const abort = new AbortController();
    const stuck = pluginFit("print('stuck', flush=True); time.sleep(3600)");
    const failing = failureOf(pool.run(stuck, { signal: abort.signal, onLog: () => abort.abort() }));
    let start = 0;
    abort.signal.addEventListener("abort", () => {
      start = performance.now();
    });
    expect((await failing).code).toBe("interrupted.aborted");
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("a worker that is killed in the middle of a fit", () => {
  /** Kills the fit's worker at its first progress, `times` times, and gives the outcome. */
  async function killed(times: number, job: FitJob) {
    const before = workersHere();
    const logs: JobLog[] = [];
    const victims: number[] = [];
    const pool = ownPool({ threads: 1 });
    const result = pool.run(job, {
      label: "MES_h5",
      onLog: (log) => logs.push(log),
      onProgress: () => {
        const [pid] = workersHere().filter((worker) => !before.includes(worker) && !victims.includes(worker));
        if (victims.length >= times || pid === undefined) return;
        victims.push(pid);
        process.kill(pid, "SIGKILL");
      },
    });
    return { result, logs, victims };
  }

  test("is replaced; the fit is done again, from the start, and succeeds", async () => {
    const job = realFit(300);
    const undisturbed = realFit(300);
    const { result, logs, victims } = await killed(1, job);
    const { files } = await result;
    expect(victims).toHaveLength(1);
    expect(logs.map(({ message }) => message).join()).toMatch(/SIGKILL[\s\S]*fresh worker/);
    const expected = await shared.run(undisturbed);
    expect(readdirSync(job.out).sort()).toEqual(readdirSync(undisturbed.out).sort());
    expect(readNpy(join(job.out, files.train!), "<f4").data).toEqual(
      readNpy(join(undisturbed.out, expected.files.train!), "<f4").data,
    );
  });

  test("twice fails the fit with the signal and the job", async () => {
    const { result, victims } = await killed(2, endlessPlugin());
    const error = await failureOf(result);
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(/SIGKILL.*fit of my_plugin, horizon 5 \(MES_h5\)/);
    expect(error.details).toMatchObject({ signal: "SIGKILL", attempts: 2 });
    expect(victims).toHaveLength(2);
  });
});

test("a worker that hangs is found out by its missing heartbeat and killed", async () => {
  const before = workersHere();
  const pool = ownPool({ heartbeatTimeoutMs: 2500, killGraceMs: 200 });
  const { finished } = await started(pool, endlessPlugin());
  const failing = failureOf(finished);
  const [pid] = workersHere().filter((worker) => !before.includes(worker));
  process.kill(pid!, "SIGSTOP");
  const error = await failing;
  expect(error.code).toBe("engine.hung");
  expect(isAlive(pid!)).toBe(false);
});

test("a worker that floods its output is ended", async () => {
  const pool = ownPool({ killGraceMs: 200 });
  const flood = pluginFit(`exec("while True: print('x' * 1000)")`);
  const error = await failureOf(pool.run(flood));
  expect(error.code).toBe("engine.flooded");
});

test("a program killed by SIGKILL in the middle of a fit leaves no Python process after five seconds", async () => {
  const program = startHost("busy", [endlessPlugin()]);
  expect(await program.line()).toBe("busy");
  const workers = workersOf(program.child.pid!);
  expect(workers).toHaveLength(1);
  program.child.kill("SIGKILL");
  await vi.waitFor(() => expect(workers.filter(isAlive)).toEqual([]), 5000);
});

test("Ctrl-C in the terminal is for the program to act on; its worker works on", async () => {
  const program = startHost("busy", [endlessPlugin()]);
  expect(await program.line()).toBe("busy");
  process.kill(-program.child.pid!, "SIGINT");
  expect(await program.line()).toBe("busy");
});

test("an engine that is not installed is named, with what installs it", async () => {
  const pool = ownPool({ env: { FOLDWISE_PYTHON: join(scratch, "no", "python") } });
  const error = await failureOf(pool.run(realFit(1)));
  expect(error.code).toBe("engine.not_installed");
  expect(error.remedy).toBeTruthy();
});
