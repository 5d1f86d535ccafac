/** What the pool does when all is well: order, choice of workers, threads, closing. */
import { getEventListeners, once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createPool, type EngineJob, threadsPerWorker } from "../../src/engine/index.js";
import { FoldwiseError } from "../../src/types/index.js";
import { failureOf, fitJob, fixture, isAlive, poolOf, predictJob, started, startHost } from "./support.js";

const facts = (result: { warnings: string[] }): { pid: number; threads: number; env: string[] } =>
  JSON.parse(result.warnings[0] ?? "{}");

describe("threads", () => {
  test("are an equal share of the cores, at least one", () => {
    expect([threadsPerWorker(1, 8), threadsPerWorker(3, 8), threadsPerWorker(8, 8), threadsPerWorker(9, 8)]).toEqual([
      8, 2, 1, 1,
    ]);
    expect(createPool().threadsPerWorker).toBe(availableParallelism());
  });

  test("are told to the worker by its environment and by each job", async () => {
    const pool = poolOf(fixture("obedient"), { threads: 3, workers: 2 });
    expect(facts(await pool.run(fitJob()))).toMatchObject({ threads: 3, env: ["3", "3", "3", "passive", "2", "200"] });
  });

  test("leave what the user has set for CatBoost's allocator", async () => {
    vi.stubEnv("MIMALLOC_PURGE_DELAY", "5");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(facts(await poolOf(fixture("obedient")).run(fitJob())).env[5]).toBe("5");
  });

  test("may spin while they wait where no other worker wants the core", async () => {
    const pool = poolOf(fixture("obedient"), { threads: 3, workers: 1 });
    expect(facts(await pool.run(fitJob())).env[3]).toBe(process.env.OMP_WAIT_POLICY ?? null);
  });
});

describe("the queue", () => {
  test("is first in, first out", async () => {
    const pool = poolOf(fixture("obedient"));
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((n) => pool.run(fitJob({ horizon: n })).then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test("drops a waiting job that is aborted, without a worker's knowledge", async () => {
    const pool = poolOf(fixture("forever"));
    const running = new AbortController();
    const { finished } = await started(pool, fitJob(), { signal: running.signal });
    const waiting = new AbortController();
    const dropped = failureOf(pool.run(predictJob(), { signal: waiting.signal }));
    waiting.abort();
    expect((await dropped).code).toBe("interrupted.aborted");
    running.abort();
    await failureOf(finished);
  });

  test("does not begin a job whose signal has fired", async () => {
    const error = await failureOf(poolOf(["no-such-program"]).run(fitJob(), { signal: AbortSignal.abort() }));
    expect(error.code).toBe("interrupted.aborted");
  });

  test("listens to a signal that many jobs share only once, and not at all when they are done", async () => {
    const pool = poolOf(fixture("forever"));
    const abort = new AbortController();
    const listening = () => getEventListeners(abort.signal, "abort").length;
    const jobs = Array.from({ length: 20 }, () => failureOf(pool.run(fitJob(), { signal: abort.signal })));
    expect(listening()).toBe(1);
    abort.abort();
    const errors = await Promise.all(jobs);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["interrupted.aborted"]));
    expect(listening()).toBe(0);
  });

  test("runs as many jobs at once as there are workers", async () => {
    const pool = poolOf(fixture("forever"), { workers: 2 });
    const abort = new AbortController();
    const { signal } = abort;
    const both = await Promise.all([started(pool, fitJob(), { signal }), started(pool, fitJob(), { signal })]);
    abort.abort();
    await Promise.all(both.map(({ finished }) => failureOf(finished)));
  });
});

describe("the choice of a worker", () => {
  test("gives predict and export to the one that has fitted the model", async () => {
    const pool = poolOf(fixture("obedient"), { workers: 2 });
    const pids = await Promise.all(
      ["a", "b"].map(async (out) => facts(await pool.run(fitJob({ out, dataset: out }))).pid),
    );
    for (const [index, dir] of ["a", "b"].entries()) {
      expect((await pool.run(predictJob(dir))).rows).toBe(pids[index]);
      const exported = await pool.run({
        type: "export",
        model: "m",
        adapter: null,
        model_dir: dir,
        out: "m.onnx",
        class_scale: null,
      });
      expect(exported.opset).toBe(pids[index]);
    }
  });

  test("gives a fit to the one that has had its rows", async () => {
    const pool = poolOf(fixture("obedient"), { workers: 2 });
    // As jobs name them: each in its own folder, equal rows by equal names.
    const fitOf = (rows: string, job: string) =>
      pool.run(fitJob({ rows: { train: join(job, `rows_${rows}.npy`), stop: null }, out: job }));
    const [a, b] = await Promise.all([fitOf("a", "job1"), fitOf("b", "job2")]);
    expect(facts(await fitOf("b", "job3")).pid).toBe(facts(b).pid);
    expect(facts(await fitOf("a", "job4")).pid).toBe(facts(a).pid);
  });

  test("takes a waiting job first whose rows it has", async () => {
    const pool = poolOf(fixture("obedient"));
    const order: string[] = [];
    const fitOf = (rows: string, job: string) =>
      pool
        .run(fitJob({ rows: { train: join(job, `rows_${rows}.npy`), stop: null }, out: job }))
        .then(() => order.push(job));
    await Promise.all([fitOf("a", "a1"), fitOf("b", "b1"), fitOf("a", "a2"), fitOf("b", "b2"), fitOf("a", "a3")]);
    expect(order).toEqual(["a1", "a2", "a3", "b1", "b2"]);
  });

  test("starts no second worker while the first is free", async () => {
    const pool = poolOf(fixture("obedient"), { workers: 2 });
    const first = facts(await pool.run(fitJob({ dataset: "a" })));
    expect(facts(await pool.run(fitJob({ dataset: "b" }))).pid).toBe(first.pid);
  });
});

test("hello asks a worker what it has", async () => {
  expect((await poolOf(fixture("obedient")).hello()).versions.python).toBe("3.11.0");
});

test("logs and progress of a job reach its owner", async () => {
  const seen: unknown[] = [];
  await poolOf(fixture("obedient")).run(fitJob(), {
    onLog: (log) => seen.push(log),
    onProgress: (at) => seen.push(at),
  });
  expect(seen).toEqual([
    { step: 1, total: 100, metrics: { stop_loss: 1 } },
    { level: "info", message: "fitting" },
  ]);
});

test.each([{ workers: 0 }, { workers: 1.5 }, { threads: 0 }])("a pool of %o is refused", (options) => {
  expect(() => createPool(options)).toThrow(FoldwiseError);
});

describe("closing", () => {
  test("ends the workers, and is harmless twice", async () => {
    const pool = poolOf(fixture("obedient"));
    const { pid } = facts(await pool.run(fitJob()));
    await Promise.all([pool.close(), pool.close()]);
    expect(isAlive(pid)).toBe(false);
  });

  test("interrupts jobs that wait, run or start", async () => {
    const pool = poolOf(fixture("forever"), { workers: 2 });
    const { finished } = await started(pool, fitJob());
    const starting = failureOf(pool.run(fitJob()));
    const waiting = failureOf(pool.run(fitJob()));
    const running = failureOf(finished);
    await pool.close();
    const errors = await Promise.all([running, starting, waiting]);
    expect(errors.map((error) => error.code)).toEqual(Array(3).fill("interrupted.aborted"));
  });

  test("gives an idle worker that ignores it no rest", async () => {
    const pool = poolOf(fixture("unkillable"));
    const abort = new AbortController();
    const { finished } = await started(pool, fitJob(), { signal: abort.signal });
    const running = failureOf(finished);
    await pool.close();
    expect(isAlive(Number((await running).details.pid))).toBe(false);
  });

  test("makes later jobs an error", async () => {
    const pool = poolOf(fixture("obedient"));
    await pool.close();
    expect((await failureOf(pool.run(fitJob()))).code).toBe("engine.closed");
  });
});

describe("a program that uses the pool", () => {
  /** Starts a program that has run `predict` and goes on with `jobs`; gives its worker's process id. */
  async function programWithWorker(manner: "idle" | "exit", ...jobs: EngineJob[]) {
    const program = startHost(manner, [predictJob(), ...jobs], fixture("forever"));
    const { rows } = JSON.parse(await program.line());
    return { child: program.child, pid: Number(rows) };
  }

  test("ends by itself when it forgets to close it, and its worker with it", async () => {
    const { child, pid } = await programWithWorker("idle");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
  });

  test("takes its worker with it when it exits in the middle of a fit", async () => {
    const { child, pid } = await programWithWorker("exit", fitJob());
    await once(child, "exit");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
  });
});
