/** What becomes of the command when its Python worker is killed, crashes, hangs, floods its output or prints what it should not. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, foldwise, ROOT } from "./cli.js";
import { preparedFolder, readJson } from "./fixture.js";
import { runs, workersOf } from "./processes.js";
import { expectNoStack, expectRefusal } from "./refusal.js";

let cwd: string;
beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const TRAIN = ["train", "--symbol", "MES", "--horizon", "20", "--no-test"];
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);

/** Trains xgboost; `onProgress` gets the workers' process ids each time that the fit says how far it is. */
async function trainXgboost(id: string, onProgress: (workers: number[]) => void): Promise<CliResult> {
  return foldwise(
    [
      ...[...TRAIN, "--model", "xgboost", "--json", "--run-id", id],
      ...["--set", "training.boosting.num_boost_round=400", "--set", "training.boosting.early_stopping_rounds=null"],
    ],
    {
      cwd,
      onOutput: (text, child) => {
        if (text.includes('"stage":"fit"') && text.includes('"progress"')) onProgress(workersOf(child.pid!));
      },
    },
  );
}

const misbehaves = (how: string, id: string, env: Record<string, string> = {}): Promise<CliResult> =>
  foldwise(
    [
      ...[...TRAIN, "--model", "misbehaves", "--run-id", id],
      ...["--plugin", join(ROOT, "test", "fixtures", "plugins", "misbehaves.mjs"), "--set", `model_params.how=${how}`],
    ],
    { cwd, env },
  );

/** The job failed: exit code 1, said on stderr and in run.json, and no bundle, report or work folder is there. */
function expectFailed(result: CliResult, id: string, job: string, code: string, patterns: RegExp[]): void {
  expectRefusal(result, [new RegExp(job), ...patterns], 1);
  expect(readJson(join(runDir(id), "run.json"))).toMatchObject({ status: "failed", jobs: [{ job, error: { code } }] });
  for (const left of [`models/${job}`, `reports/${job}_report.json`, ".work"]) {
    expect(existsSync(join(runDir(id), left)), left).toBe(false);
  }
}

describe("a worker that is killed in the middle of a fit", () => {
  it("is replaced: the run succeeds, and the report says that it was the second attempt", async () => {
    const killed: number[] = [];
    const result = await trainXgboost("once", (workers) => {
      if (killed.length > 0) return;
      killed.push(...workers);
      for (const pid of workers) process.kill(pid, "SIGKILL");
    });
    expect(result.code, result.stderr).toBe(0);
    expect(killed).toHaveLength(1);
    expect(result.events.at(-1)).toMatchObject({ event: "finished", status: "succeeded" });
    const { warnings } = readJson(join(runDir("once"), "reports", "xgboost_MES_h20_report.json"));
    expect(warnings).toContainEqual(expect.stringMatching(/second attempt.*SIGKILL.*fit of xgboost/));
    expectNoStack(result);
  });

  it("each time fails its job, with the signal, the job and what to do", async () => {
    const killed = new Set<number>();
    const result = await trainXgboost("always", (workers) => {
      for (const pid of workers) {
        killed.add(pid);
        process.kill(pid, "SIGKILL");
      }
    });
    expect(killed.size).toBe(2);
    expectFailed(result, "always", "xgboost_MES_h20", "engine.out_of_memory", [
      /SIGKILL/,
      /fit of xgboost/,
      /attempt 2 of 2/,
      /probably.*memory.*limit is/,
      /max_depth \(\d+\)/,
      /engine\.log/,
    ]);
    expect(result.events.at(-1)).toMatchObject({ event: "finished", status: "failed" });
    expect([...killed].filter(runs)).toEqual([]);
  });
});

describe("an adapter", () => {
  it("that crashes its process fails its job, with the signal and its last words", async () => {
    const result = await misbehaves("crash", "crash");
    expectFailed(result, "crash", "misbehaves_MES_h20", "engine.worker_died", [
      /SIGSEGV/,
      /attempt 2 of 2/,
      /these are the last words/,
    ]);
  });

  it.each([
    ["everywhere", "drift"],
    ["where a feature is missing", "drift_missing"],
    ["at a split border that no row meets", "drift_border"],
  ])("whose graph is not its model %s fails its job, and no bundle is saved", async (_, how) => {
    const result = await misbehaves(how, how);
    expectFailed(result, how, "misbehaves_MES_h20", "bundle.parity_failed", [/differ/, /1e-0?5|0\.00001/]);
  });

  it("that ends its process fails its job, with the exit code", async () => {
    const result = await misbehaves("exit", "exit");
    expectFailed(result, "exit", "misbehaves_MES_h20", "engine.worker_died", [/exit code 3/, /last words/]);
  });

  it("that hangs is killed when it has given no sign of life for FOLDWISE_HEARTBEAT_MS", async () => {
    const result = await misbehaves("hang", "hang", { FOLDWISE_HEARTBEAT_MS: "4000" });
    expectFailed(result, "hang", "misbehaves_MES_h20", "engine.hung", [/no sign of life for 4 s/, /last words/]);
  });

  it("that prints without end is stopped", async () => {
    const result = await misbehaves("flood", "flood");
    expectFailed(result, "flood", "misbehaves_MES_h20", "engine.flooded", [/flooded its output/, /log/]);
    expect(result.stderr.length).toBeLessThan(20_000);
  });

  it("that prints one line of 64 MB is stopped or outlived, but never shown", async () => {
    const result = await misbehaves("shout", "shout");
    expect([0, 1]).toContain(result.code);
    expect(result.stderr.length).toBeLessThan(20_000);
    expectNoStack(result);
  });

  it("that raises fails its job with its message; the traceback is in the log", async () => {
    const result = await misbehaves("raise", "raise");
    expectFailed(result, "raise", "misbehaves_MES_h20", "engine.failed.internal", [
      /this adapter raises/,
      /engine\.log/,
    ]);
    expect(readFileSync(join(runDir("raise"), "engine.log"), "utf8")).toMatch(/Traceback/);
  });

  it("that prints garbage to standard output disturbs nothing", async () => {
    const result = await misbehaves("print", "print");
    expect(result.code, result.stderr).toBe(0);
    expect(readFileSync(join(runDir("print"), "engine.log"), "utf8")).toMatch(/garbage of a library in C/);
  });
});

it("refuses a FOLDWISE_HEARTBEAT_MS that is no time", async () => {
  const result = await misbehaves("print", "never", { FOLDWISE_HEARTBEAT_MS: "soon" });
  expectRefusal(result, [/FOLDWISE_HEARTBEAT_MS/, /"soon"/, /milliseconds/]);
});
