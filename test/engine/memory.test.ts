/** Real workers that get no more memory: by a limit of the process, and by the kernel, which kills. */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { createPool, type EnginePool } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { writeRows } from "./rows.js";
import { type FitJob, failureOf, fitJob } from "./support.js";

const scratch = mkdtempSync(join(tmpdir(), "foldwise-memory-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const rows = writeRows(scratch, { rows: 4000, features: 12, stopFrom: 3200 });

/** The real worker, started by a shell that does `before` to itself first. */
function poolAfter(before: string, workers = 1): EnginePool {
  const root = packageRoot();
  const python = `PYTHONPATH=${root}/engine PYTHONUNBUFFERED=1 exec ${root}/.venv/bin/python -m foldwise_engine`;
  const pool = createPool({ workers, threads: 1, command: ["bash", "-c", `${before}; ${python}`] });
  onTestFinished(() => pool.close());
  return pool;
}

const fitOf = (job: Partial<FitJob>): FitJob =>
  fitJob({ dataset: scratch, rows, out: mkdtempSync(join(scratch, "out-")), ...job });

/** A plug-in adapter whose `fit` runs `body`. */
function plugin(body: string): Partial<FitJob> {
  const adapter = join(mkdtempSync(join(scratch, "adapter-")), "adapter.py");
  const methods = ["save", "load", "predict", "export_onnx"].map((name) => `    def ${name}(self, *a): ...\n`).join("");
  writeFileSync(
    adapter,
    `import numpy as np, os\nclass Plugin:\n    native_file = "x"\n    def fit(self, task):\n${body.replace(/^/gm, "        ")}\n${methods}ADAPTER = Plugin()\n`,
  );
  return { model: "my_plugin", adapter };
}

describe("a worker whose address space is limited", () => {
  const LIMIT = /The limit is 1\.5 GiB, of each process \(ulimit -v\)/;
  const limited = (workers?: number): EnginePool => poolAfter("ulimit -v 1572864", workers);

  test.each([
    ["numpy cannot allocate", "np.ones(10**10)", /Unable to allocate 74\.5 GiB/],
    ["Python cannot allocate", "bytearray(10**10)", /ran out of memory/],
    [
      "cleaning up fails after it",
      "try:\n    bytearray(10**10)\nfinally:\n    raise ValueError('closed')",
      /out of memory/,
    ],
    ["a library says so in its own words", "raise RuntimeError('std::bad_alloc')", /std::bad_alloc/],
    ["a library says so in other words", "raise RuntimeError('bad allocation')", /bad allocation/],
  ])("names the limit and what to reduce when %s", async (_, body, said) => {
    const pool = limited(2);
    const error = await failureOf(pool.run(fitOf({ ...plugin(body), params: { max_depth: 9 } })));
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(said);
    expect(error.message).toMatch(LIMIT);
    expect(error.remedy).toMatch(/fewer --workers \(there are 2.*fewer rows or fewer features.*lower max_depth \(9\)/);
  });

  test("the same when XGBoost runs out in native code, and the worker lives on", async () => {
    const pool = poolAfter("ulimit -v 900000");
    const many = mkdtempSync(join(scratch, "many-"));
    const wide = { dataset: many, rows: writeRows(many, { rows: 20_000, features: 60, stopFrom: 18_000 }) };
    const params = { objective: "multi:softprob", num_class: 3, max_depth: 20, max_bin: 65_535 };
    const training = { num_boost_round: 1000, early_stopping_rounds: null };
    const error = await failureOf(pool.run(fitOf({ ...wide, params, training })));
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(/The limit is 879 MiB, of each process/);
    expect(error.remedy).toMatch(/max_depth \(20\), max_bin \(65535\), num_boost_round \(1000\)/);
    expect((await pool.hello()).devices).toContain("cpu");
  });

  test("the same when native code crashes for it", async () => {
    const error = await failureOf(limited().run(fitOf(plugin("os.abort()"))));
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(/died \(SIGABRT\), probably because it got no more memory/);
    expect(error.message).toMatch(LIMIT);
  });
});

test("a crash without a limit and without a word of memory is none of memory", async () => {
  const error = await failureOf(poolAfter("true").run(fitOf(plugin("os.abort()"))));
  expect(error.code).toBe("engine.worker_died");
});

/** A control group of ours that allows 200 MB; null where this system lets nobody make one. */
function controlGroup(): { folder: string; name: string } | null {
  const name = `foldwise-test-${process.pid}`;
  const folder = join("/sys/fs/cgroup/memory", name);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, "memory.limit_in_bytes"), "200000000");
    return { folder, name };
  } catch {
    return null;
  }
}
const group = controlGroup();
afterAll(() => {
  if (group !== null) rmdirSync(group.folder);
});

// Skipped where this system lets nobody make a control group (no root, or version 2 only): the kernel kills nobody then.
test.skipIf(group === null)(
  "a worker that the kernel killed says so surely, with the control group's limit",
  async () => {
    const pool = poolAfter(`echo $BASHPID > ${group?.folder}/cgroup.procs`);
    const error = await failureOf(pool.run(fitOf(plugin("kept = [np.ones(10**6) for _ in range(1000)]"))));
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(
      /was killed by the kernel because its memory ran out \(SIGKILL\) during fit of my_plugin/,
    );
    expect(error.message).toMatch(
      /The limit is 191 MiB, of the control group \/foldwise-test-\d+ \(memory\.limit_in_bytes\)/,
    );
    expect(error.message).toMatch(/attempt 2 of 2/);
    await pool.close();
  },
);
