/** The pool against small programs that misbehave, each in one way. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createPool, type EnginePool, type JobLog } from "../../src/engine/index.js";
import { failureOf, fitJob, fixture, isAlive, poolOf, predictJob, started } from "./support.js";

const scratch = mkdtempSync(join(tmpdir(), "foldwise-engine-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const folder = (): string => mkdtempSync(join(scratch, "out-"));

describe("a worker that crashes", () => {
  test("is replaced, and its job succeeds at the second attempt", async () => {
    const pool = poolOf(fixture("crash"));
    const logs: JobLog[] = [];
    const out = folder();
    const params = { once: join(scratch, "crashed-once"), litter: true };
    const result = await pool.run(fitJob({ out, params }), { onLog: (log) => logs.push(log) });
    expect(result.kind).toBe("fit");
    expect(logs.find((log) => log.level === "warning")?.message).toMatch(/SIGKILL.*\n[\s\S]*fresh worker/);
    expect(result.warnings.at(-1)).toMatch(/second attempt.*SIGKILL/);
    expect(readdirSync(out)).toEqual([]);
  });

  test("twice fails its job with the signal, the job and the last words", async () => {
    const pool = poolOf(fixture("crash"), { logFile: join(scratch, "worker.log") });
    const error = await failureOf(pool.run(fitJob({ out: folder() }), { label: "xgboost_MES_h5" }));
    expect(error.code).toBe("engine.out_of_memory");
    expect(error.message).toMatch(
      /SIGKILL.*fit of xgboost, horizon 5 \(xgboost_MES_h5\)[\s\S]*last words[\s\S]*attempt 2 of 2/,
    );
    expect(error.message).toMatch(
      /killed from outside \(SIGKILL\), probably .*memory[\s\S]*The limit is [\d.]+ [GM]iB, of /,
    );
    expect(error.remedy).toMatch(/fewer rows or fewer features.*worker\.log/);
    expect(error.details).toMatchObject({ signal: "SIGKILL", attempts: 2, lastLines: ["last words"] });
    expect(readFileSync(join(scratch, "worker.log"), "utf8")).toContain('"msg":"last words"');
  });

  test("by an exit code names the code", async () => {
    const error = await failureOf(poolOf(fixture("crash")).run(fitJob({ out: folder(), params: { code: 3 } })));
    expect(error.code).toBe("engine.worker_died");
    expect(error.message).toContain("exit code 3");
  });

  test("by Ctrl-C was interrupted, and is not tried again", async () => {
    const pool = poolOf(fixture("crash"));
    const error = await failureOf(pool.run(fitJob({ out: folder(), params: { signal: "SIGINT" } })));
    expect(error.code).toBe("interrupted.aborted");
  });

  test("in the same breath as it says it is ready fails its job with a typed error", async () => {
    const error = await failureOf(poolOf(fixture("ready-and-gone")).run(fitJob({ out: folder() })));
    expect(error.code).toBe("engine.protocol");
    expect(error.message).toContain("not a message");
  });

  test("after its answer has lost nothing", async () => {
    const pool = poolOf(fixture("exit-after-done"));
    const first = await pool.run(fitJob({ out: folder() }));
    const second = await pool.run(fitJob({ out: folder() }));
    expect(second.warnings).not.toEqual(first.warnings);
  });

  test("does not touch the other worker's job", async () => {
    const pool = poolOf(fixture("crash"), { workers: 2 });
    const params = { once: join(scratch, "other") };
    const good = pool.run(fitJob({ out: folder(), params }));
    const bad = failureOf(pool.run(fitJob({ out: folder(), params: {} })));
    expect([(await good).kind, (await bad).code]).toEqual(["fit", "engine.out_of_memory"]);
  });
});

describe("a worker that does not end", () => {
  test("stops its fit when the signal aborts, and lives on", async () => {
    const pool = poolOf(fixture("forever"));
    const before = await pool.run(predictJob());
    const abort = new AbortController();
    const { finished } = await started(pool, fitJob(), { signal: abort.signal });
    abort.abort("enough");
    const error = await failureOf(finished);
    expect(error.code).toBe("interrupted.aborted");
    expect(error.cause).toBe("enough");
    expect((await pool.run(predictJob())).rows).toBe(before.rows);
  });

  test.each(["stubborn", "unkillable"])("is ended when it is %s and its job is cancelled", async (name) => {
    const pool = poolOf(fixture(name));
    const abort = new AbortController();
    const { finished } = await started(pool, fitJob(), { signal: abort.signal });
    abort.abort();
    const error = await failureOf(finished);
    expect(error.code).toBe("interrupted.aborted");
    expect(error.exitCode).toBe(130);
  });

  test("times out by the job's limit", async () => {
    const error = await failureOf(poolOf(fixture("forever")).run(fitJob(), { timeoutMs: 100 }));
    expect(error.code).toBe("engine.timeout");
    expect(error.message).toMatch(/0\.1 s/);
  });

  test("times out by the pool's limit, even when it ignores that", async () => {
    const error = await failureOf(poolOf(fixture("stubborn"), { jobTimeoutMs: 100 }).run(fitJob()));
    expect(error.code).toBe("engine.timeout");
  });

  test("has hung when it sends no heartbeat, and is not tried again", async () => {
    const pool = poolOf(fixture("silent"), { heartbeatTimeoutMs: 200 });
    const error = await failureOf(pool.run(fitJob()));
    expect(error.code).toBe("engine.hung");
    expect(isAlive(Number(error.details.pid))).toBe(false);
  });

  test("has not hung merely because this process was busy for longer than the limit", async () => {
    const pool = poolOf(fixture("forever"), { heartbeatTimeoutMs: 300 });
    const abort = new AbortController();
    const { finished } = await started(pool, fitJob(), { signal: abort.signal });
    const until = performance.now() + 900;
    while (performance.now() < until);
    expect((await Promise.race([finished, new Promise((resolve) => setImmediate(resolve, "running"))])) ?? "").toBe(
      "running",
    );
    abort.abort();
    expect((await failureOf(finished)).code).toBe("interrupted.aborted");
  });
});

describe("a worker that floods its output", () => {
  test.each(["flood-line", "flood-messages", "flood-stderr"])(
    "%s ends in a typed error, in bounded memory",
    async (name) => {
      const pool = poolOf(fixture(name));
      const before = process.memoryUsage().rss;
      const error = await failureOf(pool.run(fitJob()));
      expect(error.code).toBe("engine.flooded");
      expect(JSON.stringify(error).length).toBeLessThan(100_000);
      expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
    },
  );
});

describe("a worker that breaks the protocol", () => {
  test.each([
    ["text between the messages", "Training has started!", /Training has started/],
    ["half a message", '{"type": "heart', /heart/],
    ["an unknown event", '{"type":"surprise"}', /surprise/],
    ["an empty line", "", /not a message/],
    ["progress of another job", '{"type":"progress","id":"no","step":1,"total":2,"metrics":{}}', /unknown job "no"/],
    ["the answer to another request", '{"type":"done","id":"no","result":{"kind":"shutdown"}}', /unknown request "no"/],
    [
      "a result of another kind",
      '{"type":"done","id":"$ID","result":{"kind":"shutdown"}}',
      /fit with a result of shutdown/,
    ],
    [
      "a complaint about a request",
      '{"type":"failed","id":null,"code":"bad_request","message":"What?","remedy":null,"traceback":null}',
      /What\?/,
    ],
    ["a second ready", '{"type":"ready","protocol":1,"pid":1}', /twice/],
  ])("by %s", async (_, say, message) => {
    const error = await failureOf(poolOf(fixture("bad-output")).run(fitJob({ params: { say } })));
    expect(error.code).toBe("engine.protocol");
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(/doctor/);
  });

  test("by its version", async () => {
    const error = await failureOf(poolOf(fixture("wrong-protocol")).run(fitJob()));
    expect(error.code).toBe("engine.protocol");
    expect(error.message).toMatch(/version 99.*speaks 1/);
  });
});

describe("a worker that cannot start", () => {
  test("because the program is not there", async () => {
    const error = await failureOf(poolOf([join(scratch, "no-python")]).run(fitJob()));
    expect(error.code).toBe("engine.not_installed");
    expect(error.remedy).toMatch(/foldwise doctor --install/);
  });

  test("because the engine is not installed", async () => {
    const command = fixture("no-start", "python: No module named foldwise_engine");
    expect((await failureOf(poolOf(command).run(fitJob()))).code).toBe("engine.not_installed");
  });

  test("because it fails, and quotes why", async () => {
    const error = await failureOf(poolOf(fixture("no-start", "out of luck")).run(fitJob()));
    expect(error.code).toBe("engine.start_failed");
    expect(error.message).toMatch(/exit code 1[\s\S]*out of luck/);
  });

  test("because it is never ready", async () => {
    const error = await failureOf(poolOf(fixture("never-ready"), { startTimeoutMs: 200 }).run(fitJob()));
    expect(error.code).toBe("engine.start_failed");
  });

  test("is given up when its job is aborted meanwhile", async () => {
    const abort = new AbortController();
    const failing = failureOf(poolOf(fixture("never-ready")).run(fitJob(), { signal: abort.signal }));
    abort.abort();
    expect((await failing).code).toBe("interrupted.aborted");
  });
});

describe("what a worker prints before its answer", () => {
  /** So that the worker has printed and answered when this process reads again. */
  const busy = (): void => {
    const until = performance.now() + 250;
    while (performance.now() < until);
  };
  /** One fit that prints `text`, and what was told until it was settled. */
  async function printed(pool: EnginePool, params: { text: string; exit?: boolean }) {
    const logs: string[] = [];
    await pool.run(fitJob({ params }), { onLog: ({ message }) => logs.push(message), onProgress: busy });
    return logs;
  }
  const many = Array.from({ length: 4000 }, (_, line) => `line ${line} ${"x".repeat(90)}`);

  test.each([
    ["a line", "printed\n", ["printed"]],
    ["more than a pipe holds", `${many.join("\n")}\n`, many],
    ["a line without an end", "first\nunfinished", ["first", "unfinished"]],
  ])("is told before the job is settled: %s", async (_, text, lines) => {
    expect(await printed(poolOf(fixture("prints")), { text })).toEqual(lines);
  });

  test("is told before, too, when the worker ends with its answer", async () => {
    expect(await printed(poolOf(fixture("prints")), { text: "last\nwords", exit: true })).toEqual(["last", "words"]);
  });

  test.each(["unfinished", "x".repeat(5000)])("is not glued to the next job's first line", async (text) => {
    const pool = poolOf(fixture("prints"));
    await printed(pool, { text });
    expect(await printed(pool, { text: "next\n" })).toEqual(["next"]);
  });

  test("a listener that throws at it fails the job with its own error", async () => {
    const mine = new Error("the log is full");
    const onLog = (): never => {
      throw mine;
    };
    const pool = poolOf(fixture("prints"));
    const running = pool.run(fitJob({ params: { text: "printed\n" } }), { onLog, onProgress: busy });
    await expect(running).rejects.toBe(mine);
    expect((await pool.run(fitJob({ params: { text: "" } }))).kind).toBe("fit");
  });
});

describe("a worker that refuses a job", () => {
  const pool = createPool({ command: fixture("refuses") });
  afterAll(() => pool.close());
  test.each([
    ["bad_parameter", "config.engine_parameter", 2],
    ["bad_data", "data.engine_refused", 2],
    ["engine_missing", "engine.not_installed", 1],
    ["bad_request", "engine.protocol", 1],
    ["out_of_memory", "engine.out_of_memory", 1],
    ["internal", "engine.failed.internal", 1],
  ])("with %s fails it as %s, exit code %i, and stays", async (code, expected, exitCode) => {
    const refuse = (more: object) => failureOf(pool.run(fitJob({ params: { code, message: "No.", ...more } })));
    const error = await refuse({ remedy: "Do so.", traceback: "line 1" });
    expect(error).toMatchObject({ code: expected, exitCode, remedy: "Do so." });
    expect(error.message).toBe("No. (fit of xgboost, horizon 5)");
    expect(error.details.traceback).toBe("line 1");
    const again = await refuse({});
    expect(again.details.pid).toBe(error.details.pid);
    expect(again.remedy).not.toBe("");
  });
});

describe("a listener that throws", () => {
  test("fails its own job with its own error", async () => {
    const pool = poolOf(fixture("forever"));
    const mine = new Error("the progress bar broke");
    const running = pool.run(fitJob(), {
      onProgress: () => {
        throw mine;
      },
    });
    await expect(running).rejects.toBe(mine);
    expect((await pool.run(predictJob())).kind).toBe("predict");
  });
});

describe("the log file", () => {
  test("is made only when there is something to write", async () => {
    const logFile = join(scratch, "unused.log");
    const pool = poolOf(fixture("obedient"), { logFile });
    await pool.close();
    expect(existsSync(logFile)).toBe(false);
  });

  test("holds what workers say and what became of them", async () => {
    const logFile = join(scratch, "logs", "retried.log");
    const pool = poolOf(fixture("crash"), { logFile });
    await pool.run(fitJob({ out: folder(), params: { once: join(scratch, "logged") } }));
    const entries = readFileSync(logFile, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(entries).toMatchObject([
      { level: 30, worker: 0, pid: expect.any(Number), job: "fit of xgboost, horizon 5", msg: "last words" },
      { level: 40, job: "fit of xgboost, horizon 5", msg: expect.stringMatching(/SIGKILL/) },
    ]);
  });

  test("that cannot be made is an error; one that fills its disk is not", async () => {
    const impossible = poolOf(fixture("obedient"), { logFile: join(process.execPath, "engine.log") });
    expect((await failureOf(impossible.run(fitJob()))).code).toBe("io.write_failed");
    const full = poolOf(fixture("obedient"), { logFile: "/dev/full" });
    await full.run(fitJob());
    expect((await full.run(fitJob())).kind).toBe("fit");
  });
});
